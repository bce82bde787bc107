"""The forms of signing in and of one's own account: allauth's, with our limits, words and widgets."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account_forms
from allauth.mfa.adapter import get_adapter as mfa_adapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.models import User
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.accounts import codes, limits
from core import audit, roles

_LONGEST_PASSWORD = 4096
TOO_MANY = "too_many_tries"


def _plain(form: forms.BaseForm, **labels: Any) -> None:
    """Our labels, and no placeholders: they are gone when needed."""
    for name, label in labels.items():
        form.fields[name].label = label
        form.fields[name].widget.attrs.pop("placeholder", None)


def _no_longer_than(limit: int, *fields: forms.Field) -> None:
    for field in fields:
        field.validators = [*field.validators, MaxLengthValidator(limit)]
        field.widget.attrs["maxlength"] = str(limit)


class SignInForm(account_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, login=_("Username"), password=_("Password"))
        self.fields["login"].widget.attrs |= {
            "id": "id_username",
            "autofocus": True,
            "autocapitalize": "none",
            "spellcheck": "false",
        }
        _no_longer_than(_LONGEST_PASSWORD, self.fields["password"])
        self.fields["password"].help_text = ""


class ConfirmForm(account_forms.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, password=_("Password"))
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs["autofocus"] = True


class PasswordForm(account_forms.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, oldpassword=_("Password now"), password1=_("New password"), password2=_("New password, once more"))
        self.fields["oldpassword"].help_text = ""
        _ask_for_new_password(self)


class NewPasswordForm(account_forms.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, password1=_("New password"), password2=_("New password, once more"))
        _ask_for_new_password(self)


class ForgottenForm(account_forms.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, email=_("E-mail address"))
        self.fields["email"].widget.attrs["autofocus"] = True


def _ask_for_new_password(form: forms.BaseForm) -> None:
    form.fields["password1"].help_text = " ".join(password_validation.password_validators_help_texts())
    _no_longer_than(_LONGEST_PASSWORD, form.fields["password1"], form.fields["password2"])


class _CodeForm(mfa_forms.BaseAuthenticateForm):
    """A code of the app or a recovery code: so many tries for each person, and no code twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code=_("Code"))
        self.fields["code"].help_text = _("Of your app, or one of your recovery codes.")
        self.fields["code"].widget.attrs |= {"autofocus": True, "autocapitalize": "none", "spellcheck": "false"}
        _no_longer_than(40, self.fields["code"])

    def clean_code(self) -> str:
        if not limits.may_try_code(self.user):
            raise forms.ValidationError(
                _("Too many tries. Please wait a quarter of an hour and try again."), code=TOO_MANY
            )
        code: str = self.cleaned_data["code"]
        for authenticator in Authenticator.objects.filter(user=self.user).exclude(type=Authenticator.Type.WEBAUTHN):
            is_app = authenticator.type == Authenticator.Type.TOTP
            if codes.use(authenticator, code) if is_app else authenticator.wrap().validate_code(_bare(code)):
                authenticator.refresh_from_db()
                authenticator.user = self.user
                self.authenticator = authenticator
                return code
        audit.record(None, "second_factor.failed", self.user)
        raise mfa_adapter().validation_error("incorrect_code")


def _bare(code: str) -> str:
    return code.replace(" ", "").replace("-", "")


class SecondFactorForm(_CodeForm, mfa_forms.AuthenticateForm):
    pass


class ConfirmByCodeForm(_CodeForm, mfa_forms.ReauthenticateForm):
    pass


class _Junk:
    """allauth and fido2 read what a browser says of a passkey as if it always had the right shape."""

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise mfa_adapter().validation_error("incorrect_code") from error


class PasskeyForm(_Junk, passkey_forms.AuthenticateWebAuthnForm):
    pass


class PasskeySignInForm(_Junk, passkey_forms.LoginWebAuthnForm):
    pass


class ConfirmByPasskeyForm(_Junk, passkey_forms.ReauthenticateWebAuthnForm):
    pass


class NewPasskeyForm(passkey_forms.AddWebAuthnForm):
    def clean(self) -> dict[str, Any]:
        try:
            said: dict[str, Any] = super().clean()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise mfa_adapter().validation_error("incorrect_code") from error
        return said


class AppForm(totp_forms.ActivateTOTPForm):
    """The first code of an app that is being set up; it is used up by that."""

    step: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code=_("Code that the app shows"))
        self.fields["code"].widget.attrs |= {"inputmode": "numeric", "autofocus": True}
        _no_longer_than(20, self.fields["code"])

    def clean_code(self) -> str:
        if not limits.may_try_code(self.user):
            raise forms.ValidationError(
                _("Too many tries. Please wait a quarter of an hour and try again."), code=TOO_MANY
            )
        step = codes.step_of(self.secret, self.cleaned_data["code"])
        if step is None:
            raise mfa_adapter().validation_error("incorrect_code")
        self.step = step
        return str(self.cleaned_data["code"])


class RolesForm(forms.Form):
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        choices=lambda: [(role, role) for role in roles.ALL],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def boxes(self) -> list[tuple[Any, Any]]:
        """Each box with what its role does."""
        return [(box, roles.DOES[box.data["value"]]) for box in self["roles"]]


class InviteForm(RolesForm):
    email = forms.EmailField(label=gettext_lazy("E-mail address"), required=False)

    field_order = ("email", "roles")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email and User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("There is an account with this address already."))
        return email

    def clean_roles(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["roles"]
        if not chosen:
            raise forms.ValidationError(_("Choose at least one role: without one nobody sees anything."))
        return chosen


class JoinForm(forms.ModelForm):  # type: ignore[type-arg]
    """What somebody invited says of themselves."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=_LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("username", "first_name")
        labels = {"username": gettext_lazy("Username"), "first_name": gettext_lazy("What we call you")}
        help_texts = {"username": gettext_lazy("To sign in with; letters, digits and @ . + - _ only.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs |= {"autocomplete": "username", "autocapitalize": "none"}
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["password"].help_text = " ".join(password_validation.password_validators_help_texts())

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("This name is taken. Choose another."))
        return name

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if password := said.get("password"):
            person = User(
                username=said.get("username", ""), first_name=said.get("first_name", ""), email=self.instance.email
            )
            try:
                password_validation.validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return said
