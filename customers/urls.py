from customers.urls_persons import urlpatterns as persons

app_name = "customers"
urlpatterns = [*persons]
