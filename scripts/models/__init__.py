"""What is sold and what is said."""

from .checks import QuoteCheck
from .knowledge import Article, ArticleFile, ArticleNotice, ArticleVersion
from .maps import GuidanceCard, GuidanceMap
from .objections import Objection, ObjectionAnswer, Phrase, PhraseVote
from .products import Offer, Product
from .scenarios import Scenario
from .scripts import (
    DRAFT_READERS,
    ProhibitedWord,
    Script,
    ScriptBranch,
    ScriptQuestion,
    ScriptStep,
    ScriptVersion,
    StepComment,
    StepObjection,
    StepQuote,
)

__all__ = [
    "DRAFT_READERS",
    "Article",
    "ArticleFile",
    "ArticleNotice",
    "ArticleVersion",
    "GuidanceCard",
    "GuidanceMap",
    "Objection",
    "ObjectionAnswer",
    "Offer",
    "Phrase",
    "PhraseVote",
    "Product",
    "ProhibitedWord",
    "QuoteCheck",
    "Scenario",
    "Script",
    "ScriptBranch",
    "ScriptQuestion",
    "ScriptStep",
    "ScriptVersion",
    "StepComment",
    "StepObjection",
    "StepQuote",
]
