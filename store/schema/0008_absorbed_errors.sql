-- Are the words that an SAE absorbs harder for it than others? The verdicts of the absorption study held against the errors
-- of the error study, word by word, as a job has compared them.

-- One SAE in a comparison, and how many words it was made of.
CREATE TABLE absorbed_comparison (
    comparison_id VARCHAR NOT NULL,
    sae_id VARCHAR NOT NULL,
    study_id VARCHAR NOT NULL,           -- the error study
    probe_id VARCHAR NOT NULL,           -- the absorption run
    tau DOUBLE,                          -- thresholds of absorption; NULL: those of the run
    lead DOUBLE,
    min_cosine DOUBLE,
    n_absorbed UINTEGER NOT NULL,
    n_silent UINTEGER NOT NULL,          -- words on which the main latents are silent that are not absorbed
    n_fires UINTEGER NOT NULL,           -- words on which a main latent fires
    n_undecided UINTEGER NOT NULL,       -- left out: not judged to the end
    n_not_held_out UINTEGER NOT NULL,    -- left out: none of their tokens is held out
    n_exact UINTEGER NOT NULL,           -- left out: reconstructed exactly
    seed BIGINT NOT NULL,
    created TIMESTAMP NOT NULL
);

-- Figures of a comparison with 95% intervals over words; NULL where the words do not determine them.
-- Without against it is a mean over words: share (of the error norm in the activation norm), linear_part and nonlinear_part
-- (of the squared error, over the squared activation norm). With against it is the difference of absorbed words to those
-- words: error, linear and nonlinear (percent by which the norms are larger), linear_part and nonlinear_part, and
-- nonlinear_share (of the whole difference).
CREATE TABLE absorbed_error (
    comparison_id VARCHAR NOT NULL,
    sae_id VARCHAR,                      -- NULL: the same words, absorbed in one SAE and not in another
    words VARCHAR NOT NULL,              -- "absorbed", "silent" or "fires"
    against VARCHAR,                     -- "silent" or "fires"
    control VARCHAR,                     -- "none", "frequency", "frequency and norm", or "word"
    figure VARCHAR NOT NULL,
    value DOUBLE,
    low DOUBLE,
    high DOUBLE,
    n_words UINTEGER NOT NULL            -- of words; of the same words, those that are of both kinds
);

-- The comparison that was last made of an error study at some thresholds, NULL for those of the runs: a row per SAE. One
-- that is older than a study that it compares does not count.
CREATE MACRO last_absorbed_comparison(study, gain, logits, cosine) AS TABLE
SELECT compared.*
FROM absorbed_comparison AS compared
WHERE compared.comparison_id = (
    SELECT made.comparison_id
    FROM absorbed_comparison AS made
    JOIN error_study USING (study_id)
    LEFT JOIN last_absorption AS run USING (sae_id, probe_id)
    WHERE
        made.study_id = study
        AND made.tau IS NOT DISTINCT FROM gain
        AND made.lead IS NOT DISTINCT FROM logits
        AND made.min_cosine IS NOT DISTINCT FROM cosine
    GROUP BY made.comparison_id
    HAVING bool_and(coalesce(run.created <= made.created, false) AND error_study.created <= made.created)
    ORDER BY max(made.created) DESC, made.comparison_id
    LIMIT 1
);

-- The answer of every study at the thresholds of the runs: percent by which the error norm of absorbed words is larger
-- than that of other words of like frequency and activation norm.
CREATE VIEW absorbed_harder AS
SELECT
    study.study_id,
    study.hook_name,
    sae.name AS sae,
    sae.width,
    error.against,
    error.value AS percent,
    error.low,
    error.high,
    compared.n_absorbed,
    compared.sae_id
FROM error_study AS study
JOIN absorbed_comparison AS compared USING (study_id)
JOIN absorbed_error AS error USING (comparison_id, sae_id)
JOIN sae USING (sae_id)
WHERE
    compared.tau IS NULL
    AND compared.lead IS NULL
    AND compared.min_cosine IS NULL
    AND error.figure = 'error'
    AND error.control = 'frequency and norm'
QUALIFY row_number() OVER (PARTITION BY study.study_id, compared.sae_id, error.against ORDER BY compared.created DESC) = 1
ORDER BY study.study_id, sae.width, sae.name, error.against;
