"""Addresses of signing in, of one's own account and of People.

`desk_urlpatterns` stand in the namespace `desk`. `allauth_urlpatterns` have the names by which allauth finds its own
pages, of which only these exist: there is no sign-up.
"""

from django.urls import path, re_path
from django.urls.resolvers import URLPattern

from config.accounts import forgotten, oidc, own, people, sign_in
from core.roles import desk

mine = desk(without_role=True)

desk_urlpatterns: list[URLPattern] = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("join/<str:token>/", people.join, name="join"),
    path("password-link/<str:token>/", forgotten.by_link, name="password-link"),
    path("account/", own.page, name="account"),
    path("account/sessions/end/", own.end_other_sessions, name="account-sessions-end"),
    path("account/disconnect/", own.disconnect, name="account-disconnect"),
    path("people/", people.page, name="people"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/roles/", people.change_roles, name="person-roles"),
    path("people/<int:pk>/switch/", people.switch, name="person-switch"),
    path("people/<int:pk>/second-factor/reset/", people.reset_second_factor, name="person-second-factor-reset"),
    path("people/<int:pk>/password-link/", people.make_password_link, name="person-password-link"),
    path("people/<int:pk>/password-link/end/", people.end_password_link, name="person-password-link-end"),
    path("people/invitations/<int:pk>/withdraw/", people.withdraw, name="invitation-withdraw"),
]

allauth_urlpatterns: list[URLPattern] = [
    path("sign-in/", sign_in.SignIn.as_view(), name="account_login"),
    path("sign-in/second-factor/", sign_in.SecondFactor.as_view(), name="mfa_authenticate"),
    path("sign-in/passkey/", sign_in.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("sign-in/with/<slug:provider_id>/", oidc.leave, name="openid_connect_login"),
    path("sign-in/with/<slug:provider_id>/back/", oidc.come_back, name="openid_connect_callback"),
    path("sign-in/cancelled/", oidc.cancelled, name="socialaccount_login_cancelled"),
    path("password/", forgotten.Forgotten.as_view(), name="account_reset_password"),
    path("password/sent/", forgotten.Sent.as_view(), name="account_reset_password_done"),
    path("password/done/", forgotten.Done.as_view(), name="account_reset_password_from_key_done"),
    re_path(
        r"^password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        forgotten.NewPassword.as_view(),
        name="account_reset_password_from_key",
    ),
    path("account/", own.page, name="mfa_index"),
    path("account/password/", mine(own.Password.as_view()), name="account_change_password"),
    path("account/confirm/", mine(own.Confirm.as_view()), name="account_reauthenticate"),
    path("account/confirm/code/", mine(own.ConfirmByCode.as_view()), name="mfa_reauthenticate"),
    path("account/confirm/passkey/", mine(own.ConfirmByPasskey.as_view()), name="mfa_reauthenticate_webauthn"),
    path("account/app/", mine(own.SetUpApp.as_view()), name="mfa_activate_totp"),
    path("account/app/remove/", mine(own.RemoveApp.as_view()), name="mfa_deactivate_totp"),
    path("account/recovery-codes/", mine(own.RecoveryCodes.as_view()), name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", mine(own.NewRecoveryCodes.as_view()), name="mfa_generate_recovery_codes"),
    path("account/recovery-codes.txt", mine(own.DownloadRecoveryCodes.as_view()), name="mfa_download_recovery_codes"),
    path("account/passkeys/", own.page, name="mfa_list_webauthn"),
    path("account/passkeys/add/", mine(own.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", mine(own.RemovePasskey.as_view()), name="mfa_remove_webauthn"),
]
