-- Are absorbed words harder for the same SAE? For each SAE of a study, the mean error of three kinds of words of the
-- first-letter task, wherever they stand in the corpus: absorbed, missed by the main latents without being absorbed, and
-- the others that were judged; the linear and the nonlinear part of the error apart. Norms are in model units. The parts
-- are of held-out tokens only: on those that the linear map was fitted on the nonlinear part comes out too small.
-- $letter: NULL = all letters. $tau, $lead, $min_cosine: thresholds; NULL = those of each SAE's run.
-- $study: NULL = the newest study with SAE $sae, or else the newest.
WITH study AS (
    SELECT study_id, sae_ids, variance FROM error_study
    WHERE study_id = $study OR $study IS NULL
    ORDER BY coalesce(list_contains(sae_ids, $sae), false) DESC, created DESC, study_id
    LIMIT 1
),
judged AS (
    SELECT
        verdicts.sae_id,
        list_position((SELECT sae_ids FROM study), verdicts.sae_id) AS place,
        verdicts.token_id,
        CASE
            WHEN verdicts.verdict = 'absorbed' THEN 'absorbed'
            WHEN verdicts.is_silent THEN 'missed'
            ELSE 'other'
        END AS words
    FROM absorption_verdicts((SELECT sae_ids FROM study), $tau, $lead, $min_cosine) AS verdicts
    SEMI JOIN last_absorption USING (sae_id, probe_id)
    WHERE ($letter IS NULL OR verdicts.letter = $letter)
        AND verdicts.verdict NOT IN ('undefined', 'not sampled')
),
seen AS (
    SELECT
        judged.sae_id,
        judged.words,
        judged.token_id,
        token.error_norm[judged.place]::DOUBLE AS error_norm,
        token.linear_norm[judged.place]::DOUBLE AS linear_norm,
        token.nonlinear_norm[judged.place]::DOUBLE AS nonlinear_norm,
        token.activation_norm::DOUBLE AS activation_norm,
        token.held_out,
        (token.loss[judged.place] - token.clean_loss)::DOUBLE AS damage
    FROM judged
    JOIN (SELECT * FROM error_token WHERE study_id = (SELECT study_id FROM study)) AS token USING (token_id)
),
means AS (
    SELECT
        sae_id,
        words,
        count(DISTINCT token_id) AS n_words,
        count(*) AS n_occurrences,
        count_if(held_out) AS n_held_out,
        avg(error_norm) AS error_norm,
        avg(linear_norm) FILTER (held_out) AS linear_norm,
        avg(nonlinear_norm) FILTER (held_out) AS nonlinear_norm,
        avg(error_norm / nullif(activation_norm, 0)) AS share,
        avg(error_norm ^ 2) / any_value((SELECT variance FROM study)) AS fvu,
        avg(nonlinear_norm ^ 2) FILTER (held_out)
            / nullif(avg(error_norm ^ 2) FILTER (held_out), 0) AS nonlinear_share,
        avg(activation_norm) AS activation_norm,
        avg(damage) AS damage
    FROM seen
    GROUP BY ALL
)
SELECT
    sae.name AS sae,
    sae.width,
    means.words,
    means.n_words,
    means.n_occurrences,
    means.n_held_out,
    means.error_norm,
    means.error_norm / nullif(other.error_norm, 0) AS error_ratio,
    means.linear_norm,
    means.linear_norm / nullif(other.linear_norm, 0) AS linear_ratio,
    means.nonlinear_norm,
    means.nonlinear_norm / nullif(other.nonlinear_norm, 0) AS nonlinear_ratio,
    means.share,
    means.fvu,
    means.nonlinear_share,
    means.activation_norm,
    means.damage,
    means.sae_id,
    row_number() OVER (ORDER BY sae.width, sae.name, list_position(['absorbed', 'missed', 'other'], means.words)) AS row
FROM means
JOIN sae USING (sae_id)
LEFT JOIN (FROM means WHERE words = 'other') AS other USING (sae_id)
ORDER BY row
