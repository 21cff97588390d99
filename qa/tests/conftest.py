import pytest


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Each test stores its files in a place of its own."""
    settings.FILES_DIR = tmp_path / "files"
