-- Are words that an SAE absorbs harder for it, and is what is lost there linear or nonlinear? One row per SAE and word
-- that both its absorption study and the last error study of its hook point saw; figures are means over the word's held-out
-- tokens, NULL where it has none: on tokens that the linear map was fitted on the nonlinear part comes out too small.
-- A contribution to the squared error is the dot product of that part with the error: the two add up.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
-- $tau, $lead, $min_cosine: thresholds; NULL = those of the run.
WITH study AS (
    FROM last_error_study($saes, $hook, $model)
),
run AS (
    SELECT sae_id, probe_id, list_position(study.sae_ids, sae_id) AS place
    FROM last_absorption
    CROSS JOIN study
    WHERE list_contains(study.sae_ids, sae_id) AND coalesce(list_contains($saes, sae_id), true)
),
verdicts AS (
    SELECT judged.*, run.place
    FROM absorption_verdicts((SELECT list(sae_id) FROM run), $tau, $lead, $min_cosine) AS judged
    JOIN run USING (sae_id, probe_id)
),
errors AS (
    SELECT
        verdicts.sae_id,
        verdicts.token_id,
        count(*) AS n_occurrences,
        count_if(token.held_out) AS n_held_out,
        avg(token.activation_norm) FILTER (token.held_out) AS activation_norm,
        avg(token.error_norm[place]) FILTER (token.held_out) AS error_norm,
        avg(token.linear_norm[place]) FILTER (token.held_out) AS linear_norm,
        avg(token.nonlinear_norm[place]) FILTER (token.held_out) AS nonlinear_norm,
        avg(token.activation_norm::DOUBLE ** 2) FILTER (token.held_out) AS squared_activation,
        avg(token.error_norm[place]::DOUBLE ** 2) FILTER (token.held_out) AS squared_error,
        avg(token.linear_norm[place]::DOUBLE ** 2) FILTER (token.held_out) AS squared_linear,
        avg(token.nonlinear_norm[place]::DOUBLE ** 2) FILTER (token.held_out) AS squared_nonlinear
    FROM verdicts
    JOIN error_token AS token USING (token_id)
    JOIN study USING (study_id)
    GROUP BY ALL
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    sae.architecture,
    sae.width,
    sae.k,
    sae.l0,
    word.surface,
    verdicts.letter,
    verdicts.verdict,
    verdicts.probe_id,
    study.study_id,
    verdicts.is_silent,
    verdicts.projection,
    vocabulary.frequency,
    errors.* EXCLUDE (sae_id),
    (errors.squared_error + errors.squared_linear - errors.squared_nonlinear) / 2 AS linear_contribution,
    (errors.squared_error - errors.squared_linear + errors.squared_nonlinear) / 2 AS nonlinear_contribution
FROM verdicts
JOIN errors USING (sae_id, token_id)
JOIN sae_summary AS sae USING (sae_id)
JOIN word USING (probe_id, token_id)
CROSS JOIN study
LEFT JOIN vocabulary ON vocabulary.model_id = study.model_id AND vocabulary.token_id = verdicts.token_id
ORDER BY sae.width, sae.l0, sae.name, verdicts.letter, word.surface
