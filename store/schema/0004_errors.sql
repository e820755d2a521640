-- The error study: what the SAEs of one hook point leave out of one token set, token by token; and pursuits.

-- One study: several SAEs on the same tokens. All figures of a study are of these tokens.
CREATE TABLE error_study (
    study_id VARCHAR PRIMARY KEY,
    model_id VARCHAR NOT NULL,
    hook_name VARCHAR NOT NULL,
    corpus_id VARCHAR NOT NULL,
    sae_ids VARCHAR[] NOT NULL,          -- by rising width; lists of error_token are in this order
    widths UINTEGER[] NOT NULL,
    family VARCHAR[],                    -- those compared across widths, by rising width: one per width, alike in L0
    n_tokens UBIGINT NOT NULL,
    n_train UBIGINT NOT NULL,            -- tokens of the contexts that the linear maps were fitted on
    n_test UBIGINT NOT NULL,
    n_excluded UBIGINT NOT NULL,         -- tokens left out because a value was NaN or infinite
    first_position USMALLINT NOT NULL,   -- positions before it are left out
    d_in UINTEGER NOT NULL,
    rank UINTEGER NOT NULL,              -- directions in which the activations vary
    variance DOUBLE NOT NULL,            -- mean squared distance of an activation to the mean, model units squared
    intercept BOOLEAN NOT NULL,
    clean_loss DOUBLE,                   -- of all tokens, nats per token; NULL where losses were not measured
    seed BIGINT NOT NULL,
    notes VARCHAR[] NOT NULL,            -- what stands in the way of reading the figures at face value
    created TIMESTAMP NOT NULL
);

-- Figures of one SAE in a study.
-- Of all held-out tokens: fvu_sae, fvu_nonlinear, r2_total, r2_dim_mean, norm_r2_error, norm_r2_activation,
-- norm_r2_reconstruction, norm_r2_linear, norm_r2_nonlinear, shrinkage_factor, shrinkage_r2, shrinkage_share.
-- Of some held-out contexts, drawn at random, the same for all SAEs (losses in nats per token): loss_clean,
-- loss_reconstructed, loss_with_linear, loss_with_nonlinear, loss_mean_ablated, loss_zeroed, recovered_linear,
-- recovered_nonlinear (percent), squared_norm_share_linear, squared_norm_share_nonlinear, norm_share_linear,
-- norm_share_nonlinear.
-- Of other such contexts, encoded by the SAE and by pursuit: fvu_same_tokens, fvu_nonlinear_same_tokens, fvu_pursuit,
-- fvu_nonlinear_pursuit.
-- Of one SAE per width: breakdown_absent, breakdown_linear, breakdown_nonlinear_encoder, breakdown_nonlinear_rest, which
-- add up to fvu_sae.
CREATE TABLE error_figure (
    study_id VARCHAR NOT NULL,
    sae_id VARCHAR NOT NULL,
    figure VARCHAR NOT NULL,
    value DOUBLE,                        -- NULL where it is not defined
    low DOUBLE,                          -- 95% interval over contexts
    high DOUBLE
);

-- Every token of the study, whatever the SAEs: lists have one entry per SAE, in the order of error_study.sae_ids.
CREATE TABLE error_token (
    study_id VARCHAR NOT NULL,
    context UINTEGER NOT NULL,
    position USMALLINT NOT NULL,
    token_id UINTEGER NOT NULL,
    held_out BOOLEAN NOT NULL,           -- the linear map has not seen it
    activation_norm REAL NOT NULL,
    clean_loss REAL,                     -- of predicting the next token, nats
    -- Columns that millions of tokens are sorted by, and read at a few places, are stored as they are: they hardly
    -- compress, and a sort need not unpack them.
    hardness REAL USING COMPRESSION uncompressed NOT NULL,         -- mean over SAEs of the error norm
    share REAL USING COMPRESSION uncompressed NOT NULL,            -- mean of the error norm's share of the activation norm
    change REAL USING COMPRESSION uncompressed NOT NULL,           -- error norm of the family's widest minus its narrowest's
    slope REAL USING COMPRESSION uncompressed,                     -- of log2 of the family's error norm, for a doubled width
    nonlinear_share REAL USING COMPRESSION uncompressed NOT NULL,  -- mean share of the squared error norm
    damage REAL USING COMPRESSION uncompressed,                    -- mean loss with the SAE minus the clean loss, nats
    error_norm REAL[] USING COMPRESSION uncompressed NOT NULL,     -- model units
    linear_norm REAL[] NOT NULL,
    nonlinear_norm REAL[] NOT NULL,
    l0 USMALLINT[] NOT NULL,
    loss REAL[]                          -- with each SAE in place, nats
);

-- Error norms of a wider SAE of the family predicted from those of a narrower one, token by token.
CREATE TABLE width_norm (
    study_id VARCHAR NOT NULL,
    smaller VARCHAR NOT NULL,            -- sae_id
    larger VARCHAR NOT NULL,
    r2 DOUBLE,
    r2_low DOUBLE,
    r2_high DOUBLE,
    gain DOUBLE,                         -- percent of what is left unexplained that the nonlinear norm explains on top
    gain_low DOUBLE,
    gain_high DOUBLE,
    gain_linear DOUBLE,                  -- controls: the linear norm, and the nonlinear norm of random tokens
    gain_linear_low DOUBLE,
    gain_linear_high DOUBLE,
    gain_shuffled DOUBLE,
    gain_shuffled_low DOUBLE,
    gain_shuffled_high DOUBLE
);

-- FVU = floor + scale * width^-exponent, and the nonlinear part over widths.
CREATE TABLE width_law (
    study_id VARCHAR NOT NULL,
    floor DOUBLE,                        -- NULL with fewer than four widths: not identifiable
    scale DOUBLE,
    exponent DOUBLE,
    floor_low DOUBLE,                    -- 95%, jack-knife over widths
    floor_high DOUBLE,
    floor_context_low DOUBLE,            -- 95%, over contexts
    floor_context_high DOUBLE,
    nonlinear_mean DOUBLE,
    nonlinear_low DOUBLE,
    nonlinear_high DOUBLE,
    nonlinear_slope DOUBLE,              -- for every doubling of the width
    nonlinear_slope_low DOUBLE,
    nonlinear_slope_high DOUBLE,
    nonlinear_flat BOOLEAN
);

-- One pursuit: the codes of some tokens found again in the SAE's own dictionary.
CREATE TABLE pursuit_run (
    pursuit_id VARCHAR PRIMARY KEY,
    sae_id VARCHAR NOT NULL,
    corpus_id VARCHAR,                   -- NULL where the tokens are words in prompts
    study_id VARCHAR,                    -- whose linear map splits the errors
    chosen VARCHAR NOT NULL,             -- which tokens, in words, e.g. "hardest 200"
    method VARCHAR NOT NULL,             -- "persistent", "dark_matter", "orthogonal", "polish" or "nnls"
    l0_rule VARCHAR NOT NULL,            -- "own" or a number
    n_tokens UBIGINT NOT NULL,
    n_excluded UBIGINT NOT NULL,
    fvu_before DOUBLE,                   -- of these tokens
    fvu_after DOUBLE,
    fvu_nonlinear_before DOUBLE,
    fvu_nonlinear_after DOUBLE,
    l0_before DOUBLE,
    l0_after DOUBLE,
    products_saved DOUBLE,               -- share of the plain dictionary products that were not needed
    seconds DOUBLE NOT NULL,
    created TIMESTAMP NOT NULL
);

CREATE TABLE pursuit_code (
    pursuit_id VARCHAR NOT NULL,
    row UINTEGER NOT NULL,               -- order in which the tokens were named
    context UINTEGER,                    -- NULL for a word in a prompt
    position USMALLINT,
    token_id UINTEGER NOT NULL,
    error_before REAL NOT NULL,          -- norms, model units
    error_after REAL NOT NULL,
    nonlinear_before REAL,
    nonlinear_after REAL,
    l0_before USMALLINT NOT NULL,
    l0_after USMALLINT NOT NULL,
    latents_before UINTEGER[] NOT NULL,
    activations_before REAL[] NOT NULL,
    latents_after UINTEGER[] NOT NULL,
    activations_after REAL[] NOT NULL,
    residual_norms REAL[] NOT NULL       -- after 0, 1, 2, … steps
);
