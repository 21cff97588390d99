import pytest

from campaigns.tests.factories import agent_of
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.tests.factories import call_of
from qa.tests.sheets import form_of


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Each test stores its files in a place of its own."""
    settings.FILES_DIR = tmp_path / "files"


# A call of a city, and who scores it.


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def team(city):
    return TeamFactory(city=city)


@pytest.fixture
def agent(team):
    return agent_of(team)


@pytest.fixture
def qa(city):
    return UserFactory(role="qa", city=city)


@pytest.fixture
def form():
    return form_of(UserFactory(role="qa"))


@pytest.fixture
def call(team, agent):
    return call_of(team, agent=agent)
