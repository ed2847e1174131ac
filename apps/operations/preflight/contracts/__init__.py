"""What an OpenAPI document no longer promises that it promised in the last release."""
