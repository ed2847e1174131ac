from django.urls import path

from apps.health import views

urlpatterns = [
    path("health", views.root_health, name="health-root"),
    path("health/", views.report, name="health"),
    path("healthz", views.live),
    path("health/live/", views.live, name="health-live"),
    path("health/ready/", views.ready, name="health-ready"),
    path("metrics", views.metrics, name="metrics"),
    path("metrics/", views.metrics),
]
