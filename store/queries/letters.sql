-- How well does each letter do in SAE $sae: its probe, its best latent, the words that this latent and the main latents
-- together find and miss, and the share of its words that other latents have absorbed?
-- $probe: the set of probes; NULL = the one last used on the SAE. $tau, $lead, $min_cosine: thresholds of absorption; NULL =
-- those of its study.
WITH chosen AS (
    SELECT coalesce($probe, (SELECT probe_id FROM last_letters WHERE sae_id = $sae)) AS probe_id
),
summary AS (
    SELECT letter_summary.* FROM letter_summary JOIN chosen USING (probe_id) WHERE sae_id = $sae
),
asked AS (
    SELECT letter, best_latent AS latent, 'best' AS which FROM summary
    UNION ALL
    SELECT letter, latent, 'main' FROM letter_latent JOIN chosen USING (probe_id) WHERE sae_id = $sae AND is_main
),
-- A word on which several main latents fire counts once.
firing AS (
    SELECT asked.letter, asked.which, word.letter = asked.letter AS own, count(DISTINCT word.token_id) AS n
    FROM asked
    JOIN word_activation AS fired ON fired.sae_id = $sae AND fired.latent = asked.latent
    JOIN chosen ON chosen.probe_id = fired.probe_id
    JOIN word ON word.probe_id = fired.probe_id AND word.token_id = fired.token_id
    GROUP BY ALL
),
counts AS (
    SELECT
        letter,
        coalesce(any_value(n) FILTER (which = 'best' AND own), 0) AS found,
        coalesce(any_value(n) FILTER (which = 'best' AND NOT own), 0) AS false_alarms,
        coalesce(any_value(n) FILTER (which = 'main' AND own), 0) AS main_found,
        coalesce(any_value(n) FILTER (which = 'main' AND NOT own), 0) AS main_false_alarms
    FROM firing
    GROUP BY letter
)
SELECT
    summary.letter,
    summary.probe_f1,
    summary.best_f1,
    summary.best_latent,
    summary.best_precision,
    summary.best_recall,
    summary.best_cos_encoder,
    summary.n_main,
    absorption.rate,
    summary.n_words,
    coalesce(counts.found, 0) AS n_found,
    summary.n_words - coalesce(counts.found, 0) AS n_missed,
    coalesce(counts.false_alarms, 0) AS n_false_alarms,
    CASE WHEN summary.n_main > 0 THEN coalesce(counts.main_found, 0) END AS n_main_found,
    CASE WHEN summary.n_main > 0 THEN summary.n_words - coalesce(counts.main_found, 0) END AS n_main_missed,
    CASE WHEN summary.n_main > 0 THEN coalesce(counts.main_false_alarms, 0) END AS n_main_false_alarms,
    summary.usable,
    summary.model_accuracy,
    summary.probe_id
FROM summary
LEFT JOIN counts ON counts.letter = summary.letter
LEFT JOIN absorption_rates([$sae], $tau, $lead, $min_cosine) AS absorption
    ON absorption.probe_id = summary.probe_id AND absorption.letter = summary.letter
ORDER BY summary.letter
