"""The one field of every step at the second door."""

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

_TYPED = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}


class CodeForm(forms.Form):
    """A code of the app or, where `takes_recovery_codes`, one of those."""

    code = forms.CharField(max_length=40, widget=UnfoldAdminTextInputWidget(attrs=_TYPED))

    def __init__(self, *args: object, takes_recovery_codes: bool = False, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["code"]
        field.label = "Code"
        field.help_text = "Six digits, or a recovery code." if takes_recovery_codes else "The six digits the app shows."
        if not takes_recovery_codes:
            field.widget.attrs["inputmode"] = "numeric"
