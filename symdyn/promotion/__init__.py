"""Promotion: enforcing as much of a candidate symmetry as the data allow, by the nuclear norm, with certificates."""

from symdyn.promotion.promote import Promotion, promote, promotion_path
from symdyn.promotion.promoted import PromotedRegressor

__all__ = ["PromotedRegressor", "Promotion", "promote", "promotion_path"]
