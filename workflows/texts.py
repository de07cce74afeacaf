"""Texts on their way out: one worker that hands them to the gateway."""

from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Final

from config.wiring import Services
from engine.errors import BadValue
from engine.store.channels import SMS
from engine.store.outbox_tables import MessageStatus, NoticeStatus
from engine.store.sending import Attempt, Claimed, refused_in_a_row, taken_since
from notifications.envelope import Outcome, Phase, Result, refused_address
from notifications.texting import Texter, TextMessage
from workflows.bundling import Bundler
from workflows.deliverer import Worker

REFUSED_IN_A_ROW: Final = 5
"""So many refusals without one text taken between: then it is the gateway that refuses us."""

NOBODY_KNOWS: Final = "nobody knows whether the text arrived: the gateway gave no word, twice"


class TextDeliverer(Worker):
    """
    A worker for texts.

    A phone shows two copies of a text as two texts. So one that may have arrived is sent once more,
    because a lost reminder is worse than a double one, and never a third time: then a coordinator
    is asked to call.
    """

    channel: ClassVar[str] = SMS

    def __init__(
        self, services: Services, texter: Texter, *, bundler: type[Bundler] = Bundler
    ) -> None:
        super().__init__(services, bundler=bundler)
        self.texter = texter

    @property
    def limit(self) -> tuple[str, int]:
        return SMS, self.services.settings.texts.per_minute  # an address of a gateway is a secret

    def hand_over(self, message: Claimed) -> Result:
        try:
            text = TextMessage(
                phone=message.recipient, text=message.body.decode(), mark=f"t{message.id}"
            )
        except BadValue as error:
            return refused_address(error)
        return self.texter.deliver(text)

    def weighed(self, result: Result, message: Claimed) -> Result:
        """
        A refusal, as far as it can be believed.

        Gateways answer a wrong number and a wrong request of ours with the same codes. Before a
        number counts as wrong the gateway must refuse it twice, and take another between.
        """
        if result.outcome is not Outcome.REJECTED or result.phase is Phase.ADDRESS:
            return result
        with self.services.database.read() as connection:
            before = refused_in_a_row(connection, SMS, REFUSED_IN_A_ROW)
            works = taken_since(connection, SMS, message.id)
        again = replace(result, outcome=Outcome.RETRY)
        if before + (message.attempt == 0) >= REFUSED_IN_A_ROW:
            return replace(again, channel_down=True, text="the gateway refuses everything")
        return result if works else again

    def attempt(self, message: Claimed, result: Result, now: datetime) -> Attempt:
        after = super().attempt(message, result, now)
        if result.outcome is Outcome.UNKNOWN and not message.certain:
            return replace(
                after,
                status=MessageStatus.FAILED,
                notice_status=NoticeStatus.UNDELIVERABLE,
                available_at=None,
                text=NOBODY_KNOWS,
            )
        return after
