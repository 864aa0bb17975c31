"""The models: Django reads and writes the tables, the migrations of pgbraid make them."""

from django.db import models


class Customer(models.Model):
    """A row of the table customers."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField()

    class Meta:
        """The table belongs to a migration."""

        managed = False
        db_table = "customers"
