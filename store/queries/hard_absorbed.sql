-- How hard are absorbed words beside others for the same SAE? For each SAE of a study, the errors of three kinds of words
-- of the first-letter task: absorbed, missed by the main latents without being absorbed, and the others that were judged.
-- Each figure is first averaged over a word's held-out tokens, then over words, so that no word counts more for being
-- frequent; n_words counts those with held-out tokens. On the tokens that the linear map was fitted on, the nonlinear part
-- comes out too small. The answer is on the row of absorbed words: harder, the percent by which their error norm is larger
-- than that of words of like frequency and activation norm on which a main latent fires, as a job has stored it.
-- $letter: NULL = all letters; harder is of all in any case. $tau, $lead, $min_cosine: thresholds; NULL = those of each
-- SAE's run. $study: NULL = the newest study with SAE $sae, or else the newest.
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
words AS (
    SELECT
        judged.sae_id,
        judged.words,
        judged.token_id,
        count(*) AS n_occurrences,
        avg(token.error_norm[judged.place]::DOUBLE) AS error_norm,
        avg(token.linear_norm[judged.place]::DOUBLE) AS linear_norm,
        avg(token.nonlinear_norm[judged.place]::DOUBLE) AS nonlinear_norm,
        avg(token.error_norm[judged.place]::DOUBLE ^ 2) AS squared_error,
        avg(token.activation_norm::DOUBLE) AS activation_norm,
        avg(token.loss[judged.place] - token.clean_loss)::DOUBLE AS damage
    FROM judged
    JOIN (SELECT * FROM error_token WHERE study_id = (SELECT study_id FROM study) AND held_out) AS token USING (token_id)
    GROUP BY ALL
),
means AS (
    SELECT
        sae_id,
        words,
        count(*) AS n_words,
        sum(n_occurrences)::BIGINT AS n_occurrences,
        avg(error_norm) AS error_norm,
        avg(linear_norm) AS linear_norm,
        avg(nonlinear_norm) AS nonlinear_norm,
        avg(error_norm / nullif(activation_norm, 0)) AS share,
        avg(squared_error) / any_value((SELECT variance FROM study)) AS fvu,
        avg(activation_norm) AS activation_norm,
        avg(damage) AS damage
    FROM words
    GROUP BY ALL
),
answer AS (
    SELECT compared.sae_id, 'absorbed' AS words, found.value AS harder, found.low, found.high
    FROM last_absorbed_comparison((SELECT study_id FROM study), $tau, $lead, $min_cosine) AS compared
    JOIN absorbed_error AS found USING (comparison_id, sae_id)
    WHERE found.control = 'frequency and norm' AND found.against = 'fires' AND found.figure = 'error'
)
SELECT
    sae.name AS sae,
    sae.width,
    means.words,
    means.n_words,
    means.n_occurrences,
    means.error_norm,
    means.linear_norm,
    means.nonlinear_norm,
    means.share AS error_share,
    means.fvu,
    means.activation_norm,
    means.damage AS word_damage,
    answer.harder,
    answer.low AS harder_low,
    answer.high AS harder_high,
    means.sae_id,
    row_number() OVER (ORDER BY sae.width, sae.name, list_position(['absorbed', 'missed', 'other'], means.words)) AS row
FROM means
JOIN sae USING (sae_id)
LEFT JOIN answer USING (sae_id, words)
ORDER BY row
