from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    """The first minutes of a customer on the web; its contract, V1, is frozen."""

    name = "apps.onboarding"
    verbose_name = "Registrations"
