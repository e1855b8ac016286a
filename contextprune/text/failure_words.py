"""The words in which people and catalogues of messages say that something failed, in English and other languages.

English phrases stand in documentation, too, so they count only where few lines of a text say such things.
"""

from __future__ import annotations

import re

from contextprune.text.failure_forms import OPEN, Form

SAID = Form(
    ("cannot ", "could not", "couldn't", "can't ", "unable to", "not found", "not exist", "doesn't exist",
     "unresolved", "unknown ",
     "invalid", "missing", "unexpected", "mismatch", "denied", "refused", "rejected", "forbidden", "unauthorized",
     "timeout",
     "unsupported", "not supported", "not allowed", "incompatible", "corrupt", "exceeded", "no matching",
     "not installed",
     "not valid", "conflict", "fail", "crash", "skipping ", "abort", "undefined"),
    re.compile(
        rf"{OPEN}(?:cannot|could not|couldn't|can't|unable to) \w|{OPEN}not found\b|\bdoes(?: not|n't) exist\b"
        rf"|{OPEN}unresolved\b"
        rf"|{OPEN}unknown (?:\w{{1,20}} )?(?:option|argument|command|flag|column|field|key|variable|host|type"
        rf"|property|attribute|"
        rf"identifier|module|user|table|error)\b|{OPEN}invalid (?!ate)\w|{OPEN}missing (?:\w{{1,20}} )?\S"
        rf"|{OPEN}unexpected \w"
        rf"|{OPEN}mismatch(?:ed)?\b|{OPEN}(?:denied|refused|rejected|forbidden|unauthorized)\b"
        rf"|{OPEN}timeout\b(?!\s?[:=]\s?\d)"
        rf"|{OPEN}(?:un|not )supported\b|{OPEN}not allowed\b|{OPEN}incompatible\b|{OPEN}corrupt(?:ed)?\b"
        rf"|{OPEN}exceeded\b"
        rf"|{OPEN}no matching \w|{OPEN}not (?:installed|valid)\b|{OPEN}conflicts? (?:with|in|between)\b"
        rf"|{OPEN}fail(?:ed|ure|s)?\b(?![-_./]\w)"
        rf"|{OPEN}crash(?:ed)?\b|{OPEN}abort(?:ed|ing)\b|\bundefined (?:method|variable|local|function|label|macro)\b",
        re.IGNORECASE,
    ),
    sure=False,
)  # fmt: skip
LANGUAGES = Form(
    ("fehler", "fehlgeschlagen", "nicht gefunden", "verweigert", "keine berechtigung", "erreur", "echec", "échec",
     "échou", "introuvable",
     "aucun fichier", "permission non accord", "fallo", "falló", "fallido", "no se encontr",
     "no se ha encontrado", "no existe",
     "permiso denegado", "no encontrad", "erro", "falha", "falhou", "não encontrad", "inexistente",
     "permissão negada", "errore",
     "fallit", "non trovat", "non esistente", "permesso negato", "non riuscit", "nie znaleziono", "błąd", "fout",
     "niet gevonden", "mislukt",
     "chyba", "hata:", "bulunamad", "virhe"),
    re.compile(
        r"\b\w{0,30}fehler(?:s|n|haft)?\b(?:[:!.]|\s\w|$)|\bfehlgeschlagen|\bnicht gefunden|\bverweigert"
        r"|\bkeine berechtigung"
        r"|\berreurs?\b|\béchec\b|\bechec\b|\béchoué|\bintrouvable|\baucun fichier ou dossier|\bpermission non accord"
        r"|\bfallos?\b|\bfalló\b|\bfallid[oa]s?\b|\bno se (?:encontr\w{1,3}|ha encontrado)|\bno existe"
        r"|\bpermiso denegado|\bno encontrad[oa]"
        r"|\berros?\b|\berr[oô]r?\b:|\bfalhas?\b|\bfalhou|\bnão encontrad[oa]|\binexistente|\bpermissão negada"
        r"|\berrore\b|\bfallit[oaie]\b|\bnon trovat[oaie]|\bnon esistente|\bpermesso negato|\bnon riuscit[oa]"
        r"|\bnie znaleziono|\bbłąd|\bfout(?:en)?\b|\bniet gevonden|\bmislukt|\bchyba\b|\bhata:|\bbulunamad|\bvirhe\b",
        re.IGNORECASE,
    ),
)  # fmt: skip
_WORDS = (
    "ошибк", "не удалось", "не найден", "нет такого файла", "отказано", "сбой",
    "помилк", "错误", "失败", "未找到", "找不到", "没有那个文件", "权限不够", "异常", "錯誤", "失敗", "例外",
    "エラー", "見つかりません", "許可がありません", "できません", "오류", "에러", "실패", "예외", "찾을 수 없", "거부",
    "σφάλμα", "خطأ", "שגיאה",
)  # fmt: skip
SCRIPTS = Form(_WORDS, re.compile("|".join(_WORDS), re.IGNORECASE))
