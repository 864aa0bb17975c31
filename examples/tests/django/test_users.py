import pytest
from shop.models import User


@pytest.mark.django_db
@pytest.mark.parametrize("attempt", [1, 2])
def test_create(attempt):
    User.objects.create(name="Ada")
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", [1, 2])
def test_commit(pgbraid_swap, attempt):
    User.objects.create(name="Ada")
    assert User.objects.count() == 1
