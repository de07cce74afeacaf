"""
A reminder run as somebody writes it in an afternoon: it remembers nothing and guarantees nothing.

    python benchmarks/by_hand.py DATABASE-URL PORT TODAY

One query, one mail for each person, one connection. It prints how many mails left. Mail goes over
the connection that yagmail opens and keeps.
"""

import sys
from collections import defaultdict
from datetime import date
from email.message import EmailMessage

import yagmail
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    function: Mapped[str]
    email: Mapped[str]


class Action(Base):
    __tablename__ = "actions"
    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    due_on: Mapped[date]
    focal_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    focal: Mapped[Person] = relationship()


def main() -> None:
    url, port, today = sys.argv[1], int(sys.argv[2]), date.fromisoformat(sys.argv[3])
    late: dict[Person, list[Action]] = defaultdict(list)
    with Session(create_engine(url)) as session:
        query = (
            select(Action)
            .options(joinedload(Action.focal))
            .where(Action.state.in_(["agreed", "in_progress", "blocked"]), Action.due_on < today)
            .order_by(Action.focal_id, Action.due_on)
        )
        for action in session.scalars(query):
            late[action.focal].append(action)
        yag = yagmail.SMTP(
            "reminder@notify.example", "", "127.0.0.1", port, smtp_starttls=False, smtp_ssl=False,
            smtp_skip_login=True,
        )  # fmt: skip
        yag.login()
        for person, theirs in late.items():
            mail = EmailMessage()
            mail["From"] = "Reminder <reminder@notify.example>"
            mail["To"] = person.email
            mail["Subject"] = f"{len(theirs)} update(s) requested"
            lines = [f"- {a.ref}: {a.title}, due on {a.due_on:%d %B %Y}" for a in theirs]
            mail.set_content(
                f"Dear {person.function},\n\nthe dates of these agreed steps have passed:\n\n"
                + "\n".join(lines)
                + "\n\nPlease tell us how they stand.\n"
            )
            yag.smtp.send_message(mail)
        yag.close()
    print(len(late))


if __name__ == "__main__":
    main()
