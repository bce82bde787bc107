"""What the API's views are made of. Not in core.api, which REST framework's settings name while its views load."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import translation
from rest_framework.views import APIView

from core import api


class View(APIView):
    """An address of the API, open to everybody but for what it asks a scope for. In English whatever headers say."""

    permission_classes = [api.Everybody]
    throttle_classes = [api.Limit]
    limit_name: ClassVar[str]
    a_minute: ClassVar[int]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)
