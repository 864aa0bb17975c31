"""A test on the database that the runner has migrated with pgbraid."""

from django.test import TestCase

from shop.models import Customer


class CustomerTest(TestCase):
    """Uses a table of the first migration."""

    def test_customer_is_stored(self) -> None:
        """Store one customer and count it."""
        Customer.objects.create(name="Ada")
        self.assertEqual(Customer.objects.count(), 1)
