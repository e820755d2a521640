-- Thresholds that queries share, each once; the library's constants of the same meaning are equal to them.

-- Share of the words whose first letter a model must name for effects on its answer to mean anything.
CREATE MACRO least_accuracy() AS 0.5::DOUBLE;

-- Mean F1 of probes at the end of the prompt above which the letter has moved there.
CREATE MACRO moved_f1() AS 0.6::DOUBLE;

-- Cosine with the probe direction from which on one latent can take over a word's projection whole.
CREATE MACRO least_full_cosine() AS 0.025::REAL;
