-- What an error study measures on request: SAEs of the error's components, its prediction from the outputs of earlier SAEs,
-- and the split of errors whose parts are known.

-- An SAE that was trained on a component of another SAE's error, judged on held-out contexts; all are trained alike.
CREATE TABLE component_sae (
    study_id VARCHAR NOT NULL,
    sae_id VARCHAR NOT NULL,             -- whose error it is
    component VARCHAR NOT NULL,          -- "activation", "error", "linear" or "nonlinear"
    fvu DOUBLE,                          -- of the component's own variance
    fvu_low DOUBLE,                      -- 95% intervals over contexts
    fvu_high DOUBLE,
    dead_fraction DOUBLE NOT NULL,       -- latents that fired on none of the held-out tokens
    mean_square DOUBLE NOT NULL,         -- of the component's norm, model units squared
    width UINTEGER NOT NULL,
    k UINTEGER NOT NULL,
    n_tokens UBIGINT NOT NULL,           -- held out
    nonlinear_to_linear DOUBLE,          -- FVU of the nonlinear part's SAE over that of the linear part's; the same in all
    nonlinear_to_linear_low DOUBLE,      -- rows of sae_id
    nonlinear_to_linear_high DOUBLE
);

-- Parts of an SAE's error predicted from the outputs of SAEs at earlier hook points: R2 on held-out contexts.
CREATE TABLE earlier_prediction (
    study_id VARCHAR NOT NULL,
    sae_id VARCHAR NOT NULL,             -- whose error it is
    source VARCHAR NOT NULL,             -- sae_id of an earlier SAE, "all" of them, or "own": its own reconstruction
    part VARCHAR NOT NULL,               -- "error", "linear" or "nonlinear"
    r2 DOUBLE,
    r2_low DOUBLE,                       -- 95% intervals over contexts
    r2_high DOUBLE,
    ridge DOUBLE NOT NULL,               -- share of the mean eigenvalue of the predictors' Gram matrix
    n_train UBIGINT NOT NULL,            -- tokens
    n_test UBIGINT NOT NULL
);

-- The split of errors whose parts are known: an activation is a sum of an SAE's latents and dense noise, and its
-- reconstruction lacks the weakest latents and has noise of its own. Errors are fractions of the activations' variance.
CREATE TABLE introduced_error (
    study_id VARCHAR NOT NULL,
    sae_id VARCHAR NOT NULL,             -- whose latents they are
    dense_deviation DOUBLE NOT NULL,     -- of the dense noise, per dimension, model units
    introduced_deviation DOUBLE NOT NULL,-- of the reconstruction's noise, per dimension, model units
    removed_share DOUBLE NOT NULL,       -- of the latents that fire on a token
    linear DOUBLE,                       -- what the split calls linear
    linear_low DOUBLE,                   -- 95% intervals over contexts
    linear_high DOUBLE,
    nonlinear DOUBLE,
    nonlinear_low DOUBLE,
    nonlinear_high DOUBLE,
    true_linear DOUBLE NOT NULL,         -- the dense noise and the latents left out
    true_nonlinear DOUBLE NOT NULL       -- the reconstruction's noise
);
