"""The variables that open sign-in for testing; read where nothing of Django is loaded yet."""

TESTING_SWITCHES = ("OTP_TEST_", "OTP_APP_BYPASS", "OTP_DEV_", "DJANGO_OTP_TEST_")
