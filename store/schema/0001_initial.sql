-- The first schema: models, corpora, SAEs, latents, letters, errors, jobs, notes, sessions.
-- Ids are text chosen by the job that makes a row (content hashes), so that no job needs the database to name a thing.
-- Times are UTC.

CREATE TABLE model (
    model_id VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,               -- what a person calls it, e.g. "speller"
    source VARCHAR NOT NULL,             -- "embedded", a folder, or a hub name
    family VARCHAR NOT NULL,             -- config.model_type, e.g. "qwen2"
    n_layers USMALLINT NOT NULL,
    d_model UINTEGER NOT NULL,
    context_length UINTEGER NOT NULL,
    vocabulary_size UINTEGER NOT NULL,
    added TIMESTAMP NOT NULL
);

CREATE TABLE vocabulary (
    model_id VARCHAR NOT NULL,
    token_id UINTEGER NOT NULL,
    surface VARCHAR NOT NULL,            -- readable text of the token, leading space kept
    letter VARCHAR,                      -- first letter (a-z) of a word token, else NULL
    frequency UBIGINT NOT NULL           -- occurrences in the corpus that was harvested
);

CREATE TABLE corpus (
    corpus_id VARCHAR PRIMARY KEY,
    model_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    context_length UINTEGER NOT NULL,    -- tokens in a context, special tokens included
    n_contexts UINTEGER NOT NULL,
    n_tokens UBIGINT NOT NULL,           -- tokens counted in statistics: no special tokens, no padding
    token_hash VARCHAR NOT NULL,
    added TIMESTAMP NOT NULL
);

-- What the contexts of a token set read: the token at each position from 0, NULL where there is none.
CREATE TABLE token_context (
    corpus_id VARCHAR NOT NULL,
    context UINTEGER NOT NULL,
    token_ids UINTEGER[] NOT NULL
);

CREATE VIEW token AS
SELECT corpus_id, context, position, token_id
FROM (
    SELECT corpus_id, context, unnest(token_ids) AS token_id, unnest(range(len(token_ids)))::USMALLINT AS position
    FROM token_context
)
WHERE token_id IS NOT NULL;

CREATE TABLE sae (
    sae_id VARCHAR PRIMARY KEY,
    model_id VARCHAR NOT NULL,
    hook_name VARCHAR NOT NULL,
    name VARCHAR NOT NULL,               -- short and unique in a store, e.g. "w2048-k4"
    architecture VARCHAR NOT NULL,
    d_in UINTEGER NOT NULL,
    width UINTEGER NOT NULL,             -- number of latents
    k DOUBLE,                            -- latents kept per token, where the architecture has one
    l0 DOUBLE,                           -- mean number of firing latents per token
    fvu DOUBLE,                          -- fraction of variance unexplained
    ce_recovered DOUBLE,                 -- 1 = no damage to the model's loss, 0 = as bad as zero-ablation
    dead_fraction DOUBLE,                -- latents that never fired on the evaluated tokens
    mean_letter_f1 DOUBLE,               -- mean over letters of the best latent's F1
    absorption_rate DOUBLE,              -- mean over usable letters
    linear_error_r2 DOUBLE,              -- R2 of predicting the error linearly from the activation
    tokens_trained UBIGINT,
    corpus_id VARCHAR,                   -- the token set on which l0, fvu and dead_fraction were measured
    n_evaluated UBIGINT,                 -- its number of tokens
    seed BIGINT,
    source VARCHAR NOT NULL,             -- "trained here", or where it was imported from
    path VARCHAR NOT NULL,               -- its folder, relative to the store
    added TIMESTAMP NOT NULL
);

CREATE TABLE latent (
    sae_id VARCHAR NOT NULL,
    latent UINTEGER NOT NULL,
    n_fires UBIGINT NOT NULL,            -- tokens on which it fires (activation > 1e-8)
    density DOUBLE NOT NULL,             -- n_fires / evaluated tokens
    max_activation REAL NOT NULL,
    mean_activation REAL,                -- over firing tokens
    decoder_norm REAL NOT NULL,
    encoder_decoder_cosine REAL,
    top_token VARCHAR,                   -- the first of top_tokens and of promotes, apart so that a long table sorts fast
    promoted VARCHAR,
    histogram UINTEGER[],                -- counts in equal bins of (0, max_activation]
    promotes VARCHAR[],                  -- tokens whose logits the decoder raises most
    promotes_logit REAL[],
    suppresses VARCHAR[],
    suppresses_logit REAL[],
    top_tokens VARCHAR[],                -- token surfaces with the largest share of its activation
    top_token_share REAL[]
);

CREATE TABLE latent_neighbour (
    sae_id VARCHAR NOT NULL,
    latent UINTEGER NOT NULL,
    other_sae_id VARCHAR NOT NULL,       -- the same SAE, or another on the same site
    rank USMALLINT NOT NULL,             -- 1 = nearest
    other_latent UINTEGER NOT NULL,
    cosine REAL NOT NULL                 -- of the decoder directions
);

-- A run of latent activations: one SAE on one token set. A place in the token set is numbered context * stride + position.
CREATE TABLE activation_set (
    activation_set USMALLINT PRIMARY KEY,
    sae_id VARCHAR NOT NULL,
    corpus_id VARCHAR NOT NULL,
    stride UINTEGER NOT NULL
);

-- Latent activations by latent, strongest first within every commit.
CREATE TABLE activation_by_latent (
    activation_set USMALLINT NOT NULL,
    latent UINTEGER NOT NULL,
    activation REAL NOT NULL,
    place UBIGINT NOT NULL
);

-- Which latents fire on a token; how strongly is in activation_by_latent, where a latent is found at once.
CREATE TABLE activation_by_token (
    activation_set USMALLINT NOT NULL,
    place UBIGINT NOT NULL,
    latents UINTEGER[] NOT NULL          -- ascending
);

CREATE VIEW latent_activation AS
SELECT
    sae_id,
    corpus_id,
    (place // stride)::UINTEGER AS context,
    (place % stride)::USMALLINT AS position,
    latent,
    activation
FROM activation_by_latent JOIN activation_set USING (activation_set);

CREATE VIEW token_latent AS
SELECT
    sae_id,
    corpus_id,
    (place // stride)::UINTEGER AS context,
    (place % stride)::USMALLINT AS position,
    latents
FROM activation_by_token JOIN activation_set USING (activation_set);

CREATE TABLE probe (
    probe_id VARCHAR NOT NULL,           -- one id for the 26 letters of a site
    model_id VARCHAR NOT NULL,
    hook_name VARCHAR NOT NULL,
    letter VARCHAR NOT NULL,
    n_train UINTEGER NOT NULL,           -- words of the letter on the train side
    n_test UINTEGER NOT NULL,
    usable BOOLEAN NOT NULL,             -- enough words, and test F1 above 0.6
    precision DOUBLE,
    recall DOUBLE,
    f1 DOUBLE,
    auroc DOUBLE,
    bias DOUBLE NOT NULL,
    direction REAL[] NOT NULL,           -- unit norm
    seed BIGINT NOT NULL,
    model_accuracy DOUBLE,               -- share of the letter's words whose first letter the model itself names
    PRIMARY KEY (probe_id, letter)
);

-- The words of the first-letter task, one row per word and probe.
CREATE TABLE word (
    probe_id VARCHAR NOT NULL,
    token_id UINTEGER NOT NULL,
    surface VARCHAR NOT NULL,
    letter VARCHAR NOT NULL,
    split VARCHAR NOT NULL,              -- "train" or "test"
    probe_logit REAL NOT NULL,           -- of its own letter's probe; above 0 = the probe says yes
    answer_margin REAL,                  -- the model's logit of the right letter minus the mean of the 25 others
    answered BOOLEAN                     -- the model's own answer is right
);

-- Latents that fire at the word position of a word's prompt.
CREATE TABLE word_activation (
    sae_id VARCHAR NOT NULL,
    probe_id VARCHAR NOT NULL,
    token_id UINTEGER NOT NULL,
    latent UINTEGER NOT NULL,
    activation REAL NOT NULL
);

CREATE TABLE letter_latent (
    sae_id VARCHAR NOT NULL,
    probe_id VARCHAR NOT NULL,
    letter VARCHAR NOT NULL,
    rank USMALLINT NOT NULL,             -- 1 = highest F1 of the listed latents
    latent UINTEGER NOT NULL,
    precision DOUBLE NOT NULL,
    recall DOUBLE NOT NULL,
    f1 DOUBLE NOT NULL,
    auroc DOUBLE,
    cos_encoder REAL NOT NULL,           -- of the encoder column with the probe direction
    cos_decoder REAL NOT NULL,           -- of the decoder row with the probe direction
    by_encoder BOOLEAN NOT NULL,         -- the latent that the paper picks: highest encoder cosine
    is_main BOOLEAN,                     -- by the k-sparse rule; NULL where that was not run
    f1_gain DOUBLE                       -- F1 that it adds to the latents before it
);

CREATE TABLE token_error (
    sae_id VARCHAR NOT NULL,
    corpus_id VARCHAR NOT NULL,
    context UINTEGER NOT NULL,
    position USMALLINT NOT NULL,
    error_norm REAL NOT NULL,            -- |x - x_hat|, model units
    activation_norm REAL NOT NULL,       -- |x|, model units
    l0 USMALLINT NOT NULL                -- firing latents on this token
);

CREATE TABLE job (
    job_id VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    state VARCHAR NOT NULL,              -- done, failed or cancelled
    device VARCHAR,
    spec JSON NOT NULL,
    content_hash VARCHAR NOT NULL,
    created TIMESTAMP NOT NULL,
    started TIMESTAMP,
    ended TIMESTAMP,
    message VARCHAR                      -- why it failed, and the hint
);

CREATE TABLE note (
    note_id VARCHAR PRIMARY KEY,
    subject VARCHAR NOT NULL,            -- "sae", "letter", "latent" or "token"
    sae_id VARCHAR,
    letter VARCHAR,
    latent UINTEGER,
    token VARCHAR,                       -- a word's surface
    text VARCHAR NOT NULL,
    created TIMESTAMP NOT NULL,
    changed TIMESTAMP NOT NULL
);

CREATE TABLE mark (
    subject VARCHAR NOT NULL,            -- as in note
    key VARCHAR NOT NULL,                -- e.g. "<sae_id>/412" for a latent
    created TIMESTAMP NOT NULL,
    PRIMARY KEY (subject, key)
);

CREATE TABLE session (
    session_id VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    started TIMESTAMP NOT NULL,
    ended TIMESTAMP,
    n_commands UINTEGER NOT NULL,
    parent VARCHAR,                      -- the session that this one took over from
    path VARCHAR NOT NULL                -- the session file
);

-- One row for every spooled result that is in the store; written in the same transaction as its rows.
CREATE TABLE commit_log (
    manifest VARCHAR PRIMARY KEY,
    job_id VARCHAR NOT NULL,
    committed TIMESTAMP NOT NULL,
    n_rows UBIGINT NOT NULL
);

-- SAEs as a person looks for them.
CREATE VIEW sae_summary AS
SELECT
    sae.sae_id,
    sae.name,
    model.name AS model,
    sae.hook_name,
    sae.architecture,
    sae.width,
    sae.k,
    sae.l0,
    sae.fvu,
    sae.ce_recovered,
    sae.dead_fraction,
    coalesce(sae.mean_letter_f1, letters.mean_best_f1) AS mean_letter_f1,
    sae.absorption_rate,
    sae.linear_error_r2,
    sae.tokens_trained,
    sae.n_evaluated,
    sae.seed,
    sae.source,
    sae.path,
    sae.added,
    sae.model_id,
    sae.corpus_id
FROM sae
LEFT JOIN model USING (model_id)
LEFT JOIN (
    SELECT sae_id, avg(best_f1) AS mean_best_f1
    FROM (SELECT sae_id, letter, max(f1) AS best_f1 FROM letter_latent GROUP BY ALL)
    GROUP BY sae_id
) AS letters USING (sae_id);

-- How well each SAE does on each letter of each set of probes.
CREATE VIEW letter_summary AS
SELECT
    latents.sae_id,
    probe.probe_id,
    probe.letter,
    probe.n_train + probe.n_test AS n_words,
    probe.n_test,
    probe.usable,
    probe.f1 AS probe_f1,
    probe.model_accuracy,
    latents.best.f1 AS best_f1,
    latents.best.latent AS best_latent,
    latents.best.precision AS best_precision,
    latents.best.recall AS best_recall,
    latents.best.cos_encoder AS best_cos_encoder,
    latents.n_main
FROM probe
JOIN (
    SELECT sae_id, probe_id, letter, arg_min(letter_latent, rank) AS best, count_if(is_main) AS n_main
    FROM letter_latent
    GROUP BY ALL
) AS latents USING (probe_id, letter);

-- Which attempt of a job wrote a group of rows, e.g. the latents of one SAE: a later attempt replaces the group.
CREATE TABLE written_scope (
    table_name VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    attempt VARCHAR NOT NULL,
    PRIMARY KEY (table_name, scope)
);

-- One row: the number of the last schema file that was run, and of the last commit.
CREATE TABLE store_state (
    schema_version UINTEGER NOT NULL,
    revision UBIGINT NOT NULL
);
