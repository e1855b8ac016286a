"""Scripts that part no words, or end sentences by signs of their own: the sentence that answers stays."""

from __future__ import annotations

import pytest

from tests.scenes import postprocessor, scored, texts, tokens

WAREHOUSES = {
    "hindi": (
        "गोदाम {n} में नगर के लोगों के लिए {x} रखा है। ",
        "{x} कहाँ रखा है?",
        "चाय चावल नमक चीनी दूध आटा तेल कपड़ा कागज लोहा लकड़ी काँच",
    ),
    "bengali": (
        "গুদাম {n} এ শহরের মানুষের জন্য {x} রাখা আছে। ",
        "{x} কোথায় রাখা আছে?",
        "চা চাল লবণ চিনি দুধ আটা তেল কাপড় কাগজ লোহা কাঠ কাচ",
    ),
    "tamil": (
        "கிடங்கு {n} இல் நகர மக்களுக்காக {x} வைக்கப்பட்டுள்ளது. ",
        "{x} எங்கே வைக்கப்பட்டுள்ளது?",
        "தேநீர் அரிசி உப்பு சர்க்கரை பால் மாவு எண்ணெய் துணி காகிதம் இரும்பு மரம் கண்ணாடி",
    ),
    "thai": (
        "โกดังหมายเลข {n} ของเมืองนี้เก็บ{x}ไว้ให้ชาวเมือง ",
        "{x}เก็บไว้ที่โกดังไหน",
        "ใบชา ข้าวสาร เกลือ น้ำตาล นมสด แป้ง น้ำมัน ผ้าไหม กระดาษ เหล็ก ไม้สัก แก้วใส",
    ),
    "chinese": (
        "第{n}号仓库为本城的居民存放{x}。",
        "{x}存放在哪里?",
        "茶叶 大米 食盐 白糖 牛奶 面粉 食油 布料 纸张 钢铁 木材 玻璃",
    ),
    "japanese": (
        "第{n}倉庫には町の人々のために{x}が置いてある。",
        "{x}はどこに置いてありますか。",
        "お茶 お米 食塩 砂糖 牛乳 小麦粉 食用油 布地 用紙 鉄鋼 木材 ガラス",
    ),
}
"""A sentence about each warehouse, a question, and what lies in the warehouses."""


@pytest.mark.parametrize("language", WAREHOUSES)
@pytest.mark.parametrize("place", [2, 7])
def test_the_sentence_that_answers_stays_and_most_others_go(language: str, place: int) -> None:
    form, question, goods = WAREHOUSES[language]
    sentences = [form.format(n=i + 11, x=x) for i, x in enumerate(goods.split())]
    given = scored("".join(sentences))
    (got,) = postprocessor(budget=0.3).postprocess_nodes(given, query_str=question.format(x=goods.split()[place]))
    assert sentences[place].strip() in texts([got])[0]
    assert tokens([got]) <= 0.3 * tokens(given)
