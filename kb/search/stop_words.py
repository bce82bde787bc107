"""Words that tell nothing about what somebody wants, by language: they count in titles only, and little. Pure data.

Our own lists, kept short: pronouns, articles, forms of to be and to have, small prepositions, polite phrases. Words
such as not, off or out are left in where they change what a help text is about.
"""

from __future__ import annotations

STOP_WORDS = {
    "en": """a an and are as at be by can for from has have how i if in is it its me my of on or our that the this to
        was we what when where which will with you your do does did am im u there their they them then than so not no
        any some would could should don't doesn't didn't can't i'm i've you're""",
    "es": """a al algo ante antes como con contra cual cuando de del desde donde e el ella ellos en entre era eran es
        esa ese eso esta este esto está estoy fue ha han has hasta hay he la las le les lo los me mi mis muy más no nos
        nuestra nuestro o os para pero por porque puede puedo que qué quien se ser si sin sobre son su sus te tengo ti
        tu tus un una uno unos y ya yo cómo cuál cuándo dónde""",
    "de": """ab aber als am an auch auf aus bei bin bis bist da dann das dass dein deine dem den der des dessen die
        dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas euch
        euer für gegen habe haben hat hatte hier ich ihr ihre ihrem ihren ihrer im in ins ist ja kann kannst können
        man mein meine meinem meinen meiner mich mir mit muss nach nicht noch nun nur ob oder sehr sein seine seit
        sich sie sind so soll sollte über um und uns unser unsere vom von vor wann war warum was weil welche welcher
        welches wenn wer werde werden wie wieder will wir wird wo wurde zu zum zur""",
    "fr": """a ai ainsi alors as au aussi aux avant avec avez avoir avons c ce ceci cela ces cet cette chez ci comme
        comment d dans de des donc dont du elle elles en est et être étais était êtes eu fait il ils j je l la le les
        leur leurs lui m ma mais me mes moi mon n ne nos notre nous on ont ou où par pas peut peux pour pourquoi puis
        qu quand que quel quelle quelles quels qui quoi s sa sans se ses si soit son sont sous suis sur t ta te tes
        toi ton tu un une va vers vos votre vous y à""",
    "pt": """a ao aos aquele aqui as até com como da das de dela dele depois do dos e é ela elas ele eles em entre era
        essa esse esta está estão este estou eu foi foram há isso isto já la lhe mais mas me mesmo meu meus minha
        minhas muito na não nas nem no nos nossa nosso num numa o onde os ou para pela pelas pelo pelos por porque
        posso pode quais qual quando que quem se sem ser seu seus só são sobre sua suas também te tem tenho ter teu
        tu tua um uma umas uns você vocês vou à às""",
    "it": """a ad agli ai al alla alle allo anche c che chi ci come con cosa d da dagli dai dal dalla dalle dallo dei
        degli del della delle dello di dove dopo e è ed era gli ha hai hanno ho i il in io l la le lei li lo loro lui
        ma me mi mia mie miei mio ne negli nei nel nella nelle nello no noi non nostra nostro o perché per più può
        posso qual quale quali quando quanto quella quello questa queste questi questo se sei si sia siamo sono su
        sua sue sul sulla sulle suo suoi te ti tra tu tua tuo un una uno vi voi vostra vostro""",
    "nl": """aan al als bij ben dan dat de deze die dit door een en er gaat geen had hadden heb hebben heeft het hier
        hij hoe hun ik in is ja je jij jouw jullie kan kunnen kunt maar me meer met mij mijn moet na naar niet nog nu
        of om omdat onder ons onze ook op over te toch tot u uit uw van veel voor waar waarom wanneer waren was wat
        we wel welk welke werd wie wij wil word worden wordt zal ze zich zij zijn zo zonder zou""",
    "pl": """a aby albo ale bez bo by być był była było były co czy dla do gdy gdzie go i ich ile im ja jak jaka jaki
        jakie jako je jego jej jest jestem jeśli jeszcze już każdy kiedy kto która które którego której który którzy
        lub ma mam mi mnie mój moja moje mojego może mogę można na nad nam nas nasz nie nich nim niż o od on ona one
        oni oraz po pod poza przed przez przy są się siebie skąd są swoje ta tak także tam te tego tej ten też to
        tu twój twoja tych tym tylko u w was we wasz więc wszystko z za ze że żeby""",
    "ar": """من في على الى إلى عن مع هذا هذه ذلك تلك هل ما ماذا متى اين أين كيف لماذا لم لن لا ان أن إن كان كانت قد هو
        هي انا أنا نحن انت أنت هم التي الذي الذين كل بعد قبل عند او أو ثم و يا لي لك له لها لدي عندي ليس اي أي حتى
        بين اذا إذا كما لقد يكون تكون""",
    "ja": "です ます した ので から まで には では とは への する いる ある この その あの どの こと もの ため",
    "zh": "的 了 是 我 你 您 在 有 和 就 不 也 都 吗 呢 吧 请 把 被 我的 你的 我们 你们 怎么 什么 如何 为什 哪里",
    "ko": "은 는 이 가 을 를 의 에 에서 으로 로 와 과 도 입니 니다 습니 세요 어떻 떻게 하나 나요 무엇 언제 어디",
}
