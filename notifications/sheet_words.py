"""The words of a sheet of answers, as they are written over its columns and read back."""

from enum import StrEnum
from typing import Final

from engine.action import Level, Obstacle
from engine.codes import fold


class Column(StrEnum):
    """
    What a column of a sheet holds.

    The last five are there to be read by people and are not read back.
    """

    CODE = "code"
    REF = "ref"
    ANSWER = "answer"
    CHECK = "check"
    UNTIL = "until"
    BECAUSE = "because"
    OBSTACLE = "obstacle"
    LEVEL = "level"
    SEEN = "seen"
    HOW = "how"
    WHO = "who"
    ON = "on"
    WHAT = "what"
    PARTY = "party"
    DUE = "due"
    STANDS = "stands"
    CHOICES = "choices"


TOLD: Final = frozenset({Column.WHAT, Column.PARTY, Column.DUE, Column.STANDS, Column.CHOICES})
"""What a sheet tells whoever fills it in."""

HEADINGS: Final[dict[str, dict[Column, tuple[str, ...]]]] = {
    "en": {
        Column.CODE: ("code",),
        Column.REF: ("reference", "ref"),
        Column.ANSWER: ("answer",),
        Column.CHECK: ("check", "check character"),
        Column.UNTIL: ("until", "new date"),
        Column.BECAUSE: ("because", "words", "note"),
        Column.OBSTACLE: ("what stands in the way", "obstacle"),
        Column.LEVEL: ("how much is there", "level"),
        Column.SEEN: ("what was seen", "seen"),
        Column.HOW: ("how it was checked", "how", "method"),
        Column.WHO: ("who said it", "who", "said by", "source"),
        Column.ON: ("said on", "on", "day"),
        Column.WHAT: ("what was agreed", "action", "title"),
        Column.PARTY: ("by whom", "party", "responsible"),
        Column.DUE: ("due", "due on"),
        Column.STANDS: ("where it stands", "state"),
        Column.CHOICES: ("possible answers", "choices", "codes"),
    },
    "fr": {
        Column.CODE: ("code",),
        Column.REF: ("référence", "réf"),
        Column.ANSWER: ("réponse",),
        Column.CHECK: ("contrôle", "signe de contrôle"),
        Column.UNTIL: ("jusqu'au", "nouvelle date"),
        Column.BECAUSE: ("parce que", "motif", "remarque"),
        Column.OBSTACLE: ("ce qui fait obstacle", "obstacle"),
        Column.LEVEL: ("ce qui est fait", "degré", "niveau"),
        Column.SEEN: ("ce qui a été constaté", "constaté", "vu"),
        Column.HOW: ("comment on a vérifié", "comment", "moyen"),
        Column.WHO: ("qui l'a dit", "qui", "dit par"),
        Column.ON: ("dit le", "jour", "le"),
        Column.WHAT: ("ce qui a été convenu", "engagement"),
        Column.PARTY: ("par qui", "partie", "responsable"),
        Column.DUE: ("échéance", "pour le"),
        Column.STANDS: ("où en est-on", "état"),
        Column.CHOICES: ("réponses possibles", "choix"),
    },
    "ar": {
        Column.CODE: ("الرمز", "رمز"),
        Column.REF: ("المرجع", "مرجع"),
        Column.ANSWER: ("الجواب", "جواب"),
        Column.CHECK: ("حرف التحقق", "التحقق"),
        Column.UNTIL: ("حتى يوم", "حتى"),
        Column.BECAUSE: ("السبب", "لأن", "ملاحظة"),
        Column.OBSTACLE: ("ما يعيق", "العائق"),
        Column.LEVEL: ("كم أُنجز", "المستوى"),
        Column.SEEN: ("ما شوهد", "المشاهدة"),
        Column.HOW: ("كيف تم التحقق", "كيف"),
        Column.WHO: ("من قال ذلك", "من قاله"),
        Column.ON: ("قيل يوم", "بتاريخ", "يوم"),
        Column.WHAT: ("ما اتُّفق عليه", "الالتزام"),
        Column.PARTY: ("الجهة المسؤولة", "الجهة"),
        Column.DUE: ("الموعد", "الأجل"),
        Column.STANDS: ("أين وصل الأمر", "الحالة"),
        Column.CHOICES: ("الأجوبة الممكنة", "الرموز"),
    },
    "ha": {
        Column.CODE: ("alama",),
        Column.REF: ("lamba",),
        Column.ANSWER: ("amsa",),
        Column.CHECK: ("harafin tantancewa", "tantancewa"),
        Column.UNTIL: ("har zuwa", "sabuwar rana"),
        Column.BECAUSE: ("saboda", "bayani"),
        Column.OBSTACLE: ("abin da ya hana", "cikas"),
        Column.LEVEL: ("nawa aka yi", "mataki"),
        Column.SEEN: ("abin da aka gani", "an gani"),
        Column.HOW: ("yadda aka tabbatar", "yaya"),
        Column.WHO: ("wanda ya faɗa", "wa ya fada"),
        Column.ON: ("ranar da aka faɗa", "ranar"),
        Column.WHAT: ("abin da aka yarda", "aiki"),
        Column.PARTY: ("wanda zai yi", "ɓangare"),
        Column.DUE: ("ranar cikawa", "wa'adi"),
        Column.STANDS: ("inda aka kai", "hali"),
        Column.CHOICES: ("amsoshi", "alamu"),
    },
}
"""What each column is called in each language; the first of its words is the one we write."""

OBSTACLES: Final[dict[str, dict[Obstacle, tuple[str, ...]]]] = {
    "en": {
        Obstacle.MONEY: ("means", "money"),
        Obstacle.PERMIT: ("permit", "permission"),
        Obstacle.SAFETY: ("safety",),
        Obstacle.DISAGREEMENT: ("disagreement",),
        Obstacle.OTHER: ("other",),
    },
    "fr": {
        Obstacle.MONEY: ("moyens", "argent"),
        Obstacle.PERMIT: ("autorisation", "permis"),
        Obstacle.SAFETY: ("sécurité",),
        Obstacle.DISAGREEMENT: ("désaccord",),
        Obstacle.OTHER: ("autre",),
    },
    "ar": {
        Obstacle.MONEY: ("الإمكانيات", "المال"),
        Obstacle.PERMIT: ("ترخيص", "إذن"),
        Obstacle.SAFETY: ("السلامة", "الأمن"),
        Obstacle.DISAGREEMENT: ("خلاف",),
        Obstacle.OTHER: ("غيره",),
    },
    "ha": {
        Obstacle.MONEY: ("kuɗi",),
        Obstacle.PERMIT: ("izini",),
        Obstacle.SAFETY: ("tsaro",),
        Obstacle.DISAGREEMENT: ("saɓani",),
        Obstacle.OTHER: ("wani",),
    },
}

LEVELS: Final[dict[str, dict[Level, tuple[str, ...]]]] = {
    "en": {
        Level.NOT_INITIATED: ("nothing",),
        Level.MINIMUM: ("a beginning", "beginning"),
        Level.INTERMEDIATE: ("a good part", "good part"),
    },
    "fr": {
        Level.NOT_INITIATED: ("rien",),
        Level.MINIMUM: ("un début", "début"),
        Level.INTERMEDIATE: ("une bonne part", "bonne part"),
    },
    "ar": {
        Level.NOT_INITIATED: ("لا شيء",),
        Level.MINIMUM: ("بداية",),
        Level.INTERMEDIATE: ("جزء كبير",),
    },
    "ha": {
        Level.NOT_INITIATED: ("ba komai",),
        Level.MINIMUM: ("an fara",),
        Level.INTERMEDIATE: ("an kai rabi", "rabi"),
    },
}
"""How much a verifier found, where it was not all; what is all there is confirmed instead."""

_COLUMN_OF: Final = {str(column).upper(): column for column in Column} | {
    fold(word): column
    for words in HEADINGS.values()
    for column, said in words.items()
    for word in said
}
_OBSTACLE_OF: Final = {fold(obstacle): obstacle for obstacle in Obstacle} | {
    fold(word): obstacle
    for words in OBSTACLES.values()
    for obstacle, said in words.items()
    for word in said
}
_LEVEL_OF: Final = {fold(level): level for level in LEVELS["en"]} | {
    fold(word): level for words in LEVELS.values() for level, said in words.items() for word in said
}


def column_of(heading: str) -> Column | None:
    """The column that stands under this heading, in any of the languages."""
    return _COLUMN_OF.get(fold(heading))


def obstacle_of(word: str) -> Obstacle | None:
    """The obstacle that this word is, in any of the languages."""
    return _OBSTACLE_OF.get(fold(word))


def level_of(words: str) -> Level | None:
    """How much is there, in any of the languages."""
    return _LEVEL_OF.get(fold(words))


def heading(column: Column, language: str) -> str:
    """What stands over a column in that language, else in English."""
    return HEADINGS.get(language, HEADINGS["en"])[column][0]
