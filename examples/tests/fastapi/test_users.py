import pytest


@pytest.mark.parametrize("attempt", [1, 2])
def test_create(client, attempt):
    assert client.post("/users/Ada").json() == {"users": 1}
