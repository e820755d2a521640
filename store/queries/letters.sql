-- How well does each letter do in SAE $sae: its probe, its best latent, the words that this latent finds and misses, and
-- the share of its words that other latents have absorbed?
-- $probe: the set of probes; NULL = the one last used on the SAE. $tau, $lead, $min_cosine: thresholds of absorption; NULL =
-- those of its study.
WITH chosen AS (
    SELECT coalesce($probe, (SELECT probe_id FROM last_letters WHERE sae_id = $sae)) AS probe_id
),
summary AS (
    SELECT letter_summary.* FROM letter_summary JOIN chosen USING (probe_id) WHERE sae_id = $sae
),
firing AS (
    SELECT summary.letter, word.letter = summary.letter AS own, count(*) AS n
    FROM summary
    JOIN word_activation AS fired
        ON fired.sae_id = $sae AND fired.probe_id = summary.probe_id AND fired.latent = summary.best_latent
    JOIN word ON word.probe_id = fired.probe_id AND word.token_id = fired.token_id
    GROUP BY ALL
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
    absorption.rate AS absorbed,
    summary.n_words,
    coalesce(found.n, 0) AS n_found,
    summary.n_words - coalesce(found.n, 0) AS n_missed,
    coalesce(alarm.n, 0) AS n_false_alarms,
    summary.usable,
    summary.model_accuracy,
    summary.probe_id
FROM summary
LEFT JOIN firing AS found ON found.letter = summary.letter AND found.own
LEFT JOIN firing AS alarm ON alarm.letter = summary.letter AND NOT alarm.own
LEFT JOIN absorption_rates([$sae], $tau, $lead, $min_cosine) AS absorption
    ON absorption.probe_id = summary.probe_id AND absorption.letter = summary.letter
ORDER BY summary.letter
