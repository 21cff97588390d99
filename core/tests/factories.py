"""Users for the lowest floor, which knows no roles: an administrator is a superuser here."""

import itertools

import factory
from django.contrib.auth import get_user_model

_numbers = itertools.count(1)


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    class Params:
        administrator = factory.Trait(is_superuser=True)

    username = factory.LazyFunction(lambda: f"person{next(_numbers)}")
    display_name = factory.LazyAttribute(lambda user: f"Person {user.username}")
