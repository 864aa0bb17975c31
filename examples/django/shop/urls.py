"""The routes."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from shop.models import Customer


def customers(_: HttpRequest) -> HttpResponse:
    """Return the number of customers."""
    return HttpResponse(str(Customer.objects.count()))


urlpatterns = [path("customers", customers)]
