-- The absorption study: sparse probes, and raw scores from which verdicts follow at any thresholds.

ALTER TABLE probe ADD COLUMN created TIMESTAMP; -- when it was last used on an SAE; NULL where it was before this was kept

-- One run of the study: one SAE against one set of probes. Rates are at the thresholds of the run.
CREATE TABLE absorption_run (
    sae_id VARCHAR NOT NULL,
    probe_id VARCHAR NOT NULL,
    words VARCHAR NOT NULL,              -- the words that were judged: "test" or "all"
    attribution VARCHAR NOT NULL,        -- how effects were measured: "ig" or "exact"
    ig_path VARCHAR NOT NULL,            -- "joint" (latents and error go to zero together) or "latents_only"
    ig_rule VARCHAR NOT NULL,            -- "left" or "midpoint"
    ig_steps USMALLINT NOT NULL,
    max_words UINTEGER NOT NULL,         -- candidates of a letter whose effects were measured, at most
    tau DOUBLE NOT NULL,                 -- F1 that a latent must add to be a main latent
    lead DOUBLE NOT NULL,                -- logits by which the first effect leads the second
    min_cosine DOUBLE NOT NULL,          -- of the absorber's decoder row with the probe direction
    model_accuracy DOUBLE NOT NULL,      -- share of words whose letter the model itself names
    probe_f1 DOUBLE,                     -- mean F1 of the probes at the word …
    probe_f1_last DOUBLE,                -- … and of probes at the end of the prompt: high where the letter has moved there
    rate DOUBLE,                         -- absorbed share of the words that the probe gets right, mean over usable letters;
                                         -- NULL where the model cannot do the task
    mean_fraction DOUBLE,                -- mean absorption fraction by projection
    full_rate DOUBLE,                    -- full absorption by projection
    mean_main DOUBLE,                    -- main latents of a letter
    seed BIGINT NOT NULL,
    created TIMESTAMP NOT NULL
);

-- The latents of a letter in the order of the L1 probe, and how well the first k of them tell the letter.
CREATE TABLE sparse_probe (
    sae_id VARCHAR NOT NULL,
    probe_id VARCHAR NOT NULL,
    letter VARCHAR NOT NULL,
    k USMALLINT NOT NULL,
    latent UINTEGER NOT NULL,            -- the latent that the k-th place adds
    precision DOUBLE NOT NULL,           -- of a logistic regression on the first k latents, test words
    recall DOUBLE NOT NULL,
    f1 DOUBLE NOT NULL,
    sum_f1 DOUBLE NOT NULL               -- of "any of the first k fires"
);

-- Words that the letter's probe gets right.
CREATE TABLE absorption_word (
    sae_id VARCHAR NOT NULL,
    probe_id VARCHAR NOT NULL,
    letter VARCHAR NOT NULL,
    token_id UINTEGER NOT NULL,
    draw UINTEGER NOT NULL,              -- place in the letter's random order, from 0; samples take the lowest
    projection REAL NOT NULL,            -- of the activation on the unit probe direction, model units
    sparse_logits REAL[] NOT NULL,       -- of the letter's sparse probe at k = 1, 2, …
    margin REAL,                         -- logit of the right letter minus the mean of the 25 others, on this prompt
    attributed BOOLEAN NOT NULL          -- effects were measured
);

-- Latents that fire on such a word, and what removing one would do to the margin.
CREATE TABLE absorption_latent (
    sae_id VARCHAR NOT NULL,
    probe_id VARCHAR NOT NULL,
    letter VARCHAR NOT NULL,
    token_id UINTEGER NOT NULL,
    latent UINTEGER NOT NULL,
    activation REAL NOT NULL,
    cosine REAL NOT NULL,                -- of the decoder row with the letter's probe direction
    projection REAL NOT NULL,            -- activation times decoder row, on the unit probe direction, model units
    place USMALLINT,                     -- its k in the letter's sparse probe; NULL where it is not among them
    effect REAL                          -- change of the margin in logits; NULL where the word was not attributed
);

-- The model run again without one latent at the word: what the change really is.
CREATE TABLE ablation (
    sae_id VARCHAR NOT NULL,
    probe_id VARCHAR NOT NULL,
    token_id UINTEGER NOT NULL,
    latent UINTEGER NOT NULL,
    effect REAL NOT NULL,                -- change of the margin, logits
    margin REAL NOT NULL,                -- without the latent
    answer VARCHAR NOT NULL,             -- the letter that the model names then
    PRIMARY KEY (sae_id, probe_id, token_id, latent)
);
