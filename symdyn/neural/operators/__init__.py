"""From fields in a Dataset and a symmetry to trained operators: pairs, scales, what goes into weights, scores."""
