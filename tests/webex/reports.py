"""What an error report of Django's would show of our frames."""

from __future__ import annotations

from django.views.debug import SafeExceptionReporterFilter


def reported_variables(error: BaseException) -> str:
    """The local variables of every frame of ours that an error mail would show."""
    shown = []
    keeper = SafeExceptionReporterFilter()
    keeper.is_active = lambda request: True
    traceback_ = error.__traceback__
    while traceback_ is not None:
        frame = traceback_.tb_frame
        if "/tests/" not in frame.f_code.co_filename:
            shown.append(repr(keeper.get_traceback_frame_variables(None, frame)))
        traceback_ = traceback_.tb_next
    assert shown
    return "".join(shown)
