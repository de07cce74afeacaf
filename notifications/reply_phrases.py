"""
What people write when they answer in their own words, in four languages.

They are compared as `folded` makes them: small letters, no accents, plain Arabic letters. Whoever
adds a phrase: it must leave no doubt, since it moves the action. What is not here becomes a note
that a coordinator reads, and that costs little.
"""

from typing import Final

from engine.action import Obstacle
from engine.answer import Verb
from notifications.reply_days import folded

DONE: Final = """
done | it is done | it s done | its done | all done | this is done | this has been done
it has been done | the work is done | work is done | work done | job done | we have done it
i have done it | we did it | we are done | completed | it is completed | it is complete
it has been completed | the work is completed | the work is complete | we have completed it
finished | it is finished | the work is finished | we have finished | we have finished it
i have finished | done and finished
fait | c est fait | cela est fait | ca y est c est fait | tout est fait | chose faite | deja fait
c est deja fait | cela a ete fait | ca a ete fait | le travail est fait | travail fait
termine | c est termine | tout est termine | le travail est termine | travaux termines
les travaux sont termines | nous avons termine | nous avons fini | j ai termine | j ai fini
c est fini | les travaux sont finis | acheve | c est acheve | travaux acheves | realise
c est realise | action realisee | nous l avons fait | je l ai fait
تم | لقد تم | تم ذلك | لقد تم ذلك | تم الامر | تم العمل | تم الانجاز | تم التنفيذ | تم تنفيذ ذلك
تم انجاز العمل | تم انجاز ذلك | تم الانتهاء | تم الانتهاء من العمل | انتهي العمل | انتهينا
انتهينا من العمل | انجزنا العمل | اكتمل العمل | تم بالفعل
an gama | an gama shi | an gama aiki | an gama aikin | mun gama | mun gama shi | mun gama aiki
mun gama aikin | na gama | na gama shi | na gama aikin | angama | an yi | an yi shi | mun yi shi
na yi shi | an kammala | an kammala aikin | mun kammala | mun kammala aikin | aiki ya kare
aikin ya kare | aiki ya kammala | aikin ya kammala
"""

CONFIRMED: Final = """
confirmed | i confirm | we confirm | i confirm it | we confirm it | it is confirmed
confirme | je confirme | nous confirmons | je le confirme | c est confirme
موكد | اوكد | نوكد | اوكد ذلك | تم التاكيد | مؤكد | اؤكد | نؤكد | اؤكد ذلك
na tabbatar | mun tabbatar | an tabbatar | na gani | mun gani
"""

NOT_YET: Final = """
not yet | not done yet | not yet done | it is not done yet | not finished yet | not yet finished
pas encore | pas encore fait | ce n est pas encore fait | pas encore termine
ليس بعد | لم يتم بعد | لا ليس بعد | لم ينته بعد | لم ينجز بعد
tukuna | ba tukuna | ba a gama ba tukuna | ba a yi ba tukuna | har yanzu ba a gama ba
"""

NOT_SEEN: Final = """
not seen | i have not seen it | we have not seen it | i did not see it | i could not go there
pas vu | je n ai pas vu | nous n avons pas vu | je ne l ai pas vu | je n ai pas pu y aller
لم ار | لم اره | لم نره | لم ارها | لم اتمكن من الذهاب
ban gani ba | ba mu gani ba | ban samu zuwa ba
"""

CANNOT: Final = """
cannot | can not | we cannot | we can not | i cannot | we cannot do it | i cannot do it
it is impossible | impossible | not possible | it is not possible | we are unable to do it
c est impossible | ce n est pas possible | pas possible | nous ne pouvons pas | je ne peux pas
nous ne pouvons pas le faire | nous n en sommes pas capables
لا يمكن | لا يمكننا | لا نستطيع | لا استطيع | مستحيل | غير ممكن | لا يمكن ذلك
ba zai yiwu ba | ba za mu iya ba | ba zan iya ba | ba mu iya ba | bazaiyu | ba zai yiyu ba
"""

NOT_ME: Final = """
not me | it is not me | this is not me | wrong person | i am not the right person
i am the wrong person | you have the wrong person | this is not for me | not for me
pas moi | ce n est pas moi | ce n est pas pour moi | mauvaise personne | erreur de personne
vous vous trompez de personne | je ne suis pas la bonne personne
لست انا | هذا ليس لي | لست الشخص المناسب | الشخص الخطا
ba ni ba | ba ni ba ne | ba ni ba ce | ba nawa ba ne | kun yi kuskuren mutum
"""

HELP: Final = """
help | help us | we need help | i need help | please help | please help us
aide | a l aide | aidez nous | nous avons besoin d aide | j ai besoin d aide
nous avons besoin d un appui | besoin d aide
مساعده | نحتاج مساعده | نحتاج الي مساعده | نحتاج المساعده | احتاج مساعده | احتاج الي مساعده
taimako | muna bukatar taimako | ina bukatar taimako | a taimaka mana | ku taimake mu
"""

TAKEN_NOTE: Final = """
noted | well noted | duly noted | i have taken note | we have taken note | taken note | received
well received | understood
bien note | c est note | note | bien recu | recu | j ai pris note | nous avons pris note
nous prenons note | je prends note | pris note | compris
علم | علمت | تم العلم | علم وينفذ | تم الاستلام | استلمت | وصلت الرساله | احطنا علما
na ji | mun ji | na gani | mun gani | na karba | mun karba | na fahimta | mun fahimta
"""

AGREED: Final = """
agreed | i agree | we agree | accepted | the new date is agreed
d accord | je suis d accord | nous sommes d accord | accepte | accord
موافق | موافقه | اوافق | نوافق | انا موافق
na yarda | mun yarda | an yarda
"""

MORE_TIME: Final = """
more time | we need more time | i need more time | need more time | please give us more time
we ask for more time | until | we need until | please give us until | we will finish by
we will finish on | it will be done by | it will be done on | it will be finished by | new date
plus de temps | il nous faut plus de temps | nous avons besoin de plus de temps | un delai | delai
nous demandons un delai | jusqu au | nous demandons jusqu au | il nous faut jusqu au | report au
nouvelle date | ce sera fait le | ce sera fait avant le | ce sera termine le | nous aurons fini le
مزيد من الوقت | نحتاج مزيدا من الوقت | نحتاج الي مزيد من الوقت | مهله | نطلب مهله | حتي
نحتاج حتي | الي غايه | نحتاج الي وقت | تاريخ جديد | سيتم في | سننتهي في
karin lokaci | muna bukatar karin lokaci | ina bukatar karin lokaci | a ba mu lokaci
a kara mana lokaci | sai | zuwa | sabuwar rana | za mu gama
"""

BLOCKED: Final = """
blocked | we are blocked | it is blocked | the work is blocked | blocked because | we are stuck
the work has stopped | stuck because
bloque | bloques | nous sommes bloques | c est bloque | le travail est bloque | bloque par
les travaux sont arretes | bloque car | bloque parce que
عائق | هناك عائق | يوجد عائق | متوقف | العمل متوقف | توقف العمل | تعذر العمل
cikas | akwai cikas | an samu cikas | aiki ya tsaya | aikin ya tsaya | an tsaya
"""

STOP: Final = """
stop | unsubscribe | please stop | remove me | stop mails | stop emails
stop | desabonner | se desabonner | desinscription | desabonnez moi | arret | arretez
الغاء | الغاء الاشتراك | توقف | اوقفوا الرسائل
daina | a daina | a daina turowa
"""


def phrases(block: str) -> frozenset[str]:
    """The phrases of a block."""
    return frozenset(
        " ".join(folded(phrase).split())
        for line in block.splitlines()
        for phrase in line.split("|")
    ) - {""}


def _words(text: str) -> frozenset[str]:
    return frozenset(folded(text).split())


WHOLE: Final = {
    Verb.DONE: phrases(DONE),
    Verb.CONFIRMED: phrases(CONFIRMED),
    Verb.NOT_YET: phrases(NOT_YET),
    Verb.NOT_SEEN: phrases(NOT_SEEN),
    Verb.CANNOT: phrases(CANNOT),
    Verb.NOT_ME: phrases(NOT_ME),
    Verb.HELP: phrases(HELP),
    Verb.TAKEN_NOTE: phrases(TAKEN_NOTE),
    Verb.AGREED: phrases(AGREED),
}
"""The first clause must be one of these and nothing else, but for politeness and a day."""

OPENING: Final = {Verb.MORE_TIME: phrases(MORE_TIME), Verb.BLOCKED: phrases(BLOCKED)}
"""The first clause must begin with one of these."""

STOPS: Final = phrases(STOP)

POLITE: Final = _words("""
    yes ok okay since sir madam thanks thank you please hello now already today yesterday on the
    alhamdulillah
    oui merci depuis bonjour monsieur madame ok deja hier aujourd hui ce jour le la matin soir
    maintenant voila svp
    نعم شكرا اليوم امس الان الحمد لله السيد حاضر في يوم
    eh i na gode mun gode yau jiya yanzu a ranar
    """)
"""Words that change nothing about the clause they stand around."""

DOUBT: Final = _words("""
    not no never nothing none cannot cant t isn wasn hasn haven don didn won without but however
    except almost nearly partly partially half soon will would should if when only yet still remains
    remaining tomorrow until unless hardly barely incomplete undone unfinished
    pas non ne n jamais rien aucun aucune sans mais sauf presque partie moitie bientot sera seront
    ferons fera si quand seulement encore toujours reste restent demain jusqu toutefois cependant
    inacheve sinon
    لم لا لن ليس ليست غير بدون لكن ولكن الا تقريبا نصف قريبا سوف اذا عندما فقط بعد غدا حتي باستثناء
    ما لما ولم ولا سيتم سننتهي جزئيا
    ba bai ban bata bamu basu babu ban sai amma kusan rabi idan sauran gobe tukuna za zai zan zamu
    kadan har
    """)
"""One of these anywhere in the answer, and nobody but a person says what "done" meant."""

GREETINGS: Final = _words("""
    hello hi dear good morning afternoon evening day sir madam mr mrs all team greetings
    bonjour bonsoir salut cher chere monsieur madame messieurs mesdames chers collegues salutations
    السلام عليكم ورحمه الله وبركاته تحيه طيبه مرحبا صباح الخير مساء السيد السيده المحترم وعليكم
    sannu barka da safiya rana yamma salam assalamu alaikum salama aleikum ina kwana yini malam
    """)

OBSTACLES: Final = {
    Obstacle.MONEY: _words(
        "money funds fund budget funding cash argent fonds moyens financement المال مال الميزانيه "
        "تمويل اموال kudi kudin"
    ),
    Obstacle.PERMIT: _words(
        "permit permission authorisation authorization licence approval autorisation permis "
        "ترخيص تصريح اذن رخصه izini"
    ),
    Obstacle.SAFETY: _words(
        "safety security unsafe insecurity securite insecurite danger امن الامن خطر tsaro"
    ),
    Obstacle.DISAGREEMENT: _words(
        "disagreement dispute desaccord differend conflit خلاف نزاع sabani rikici"
    ),
}
"""A word that names what stands in the way; two different ones name nothing for certain."""
