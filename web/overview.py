"""The pages that look at the whole: figures, digests, fairness, history, and if nobody acts."""

from web.dashboard import add_dashboard
from web.digest_pages import add_digests
from web.errands import Errands
from web.face import Entrance
from web.fairness_page import add_fairness
from web.rehearsal_page import add_rehearsal
from web.verify_page import add_verify


def add_overview(entrance: Entrance) -> None:
    """All of them; what takes long is done one at a time, whichever page asked for it."""
    errands = Errands()
    add_dashboard(entrance, errands)
    add_digests(entrance)
    add_fairness(entrance, errands)
    add_rehearsal(entrance, errands)
    add_verify(entrance, errands)
