-- What do other thresholds change in SAE $sae, for letter $letter and over all? One row: the thresholds of the run and
-- what they give, the thresholds asked for and what these give.
-- $tau, $lead, $min_cosine: thresholds; NULL = those of the run. $probe: the set of probes; NULL = the one last studied.
WITH run AS (
    SELECT *
    FROM absorption_run
    WHERE sae_id = $sae
        AND probe_id = coalesce($probe, (SELECT probe_id FROM last_absorption WHERE sae_id = $sae))
),
of_run AS (
    SELECT rates.*, probe.usable
    FROM absorption_rates([$sae], NULL, NULL, NULL) AS rates
    JOIN run USING (probe_id)
    JOIN probe USING (probe_id, letter)
),
-- Without other thresholds nothing is asked a second time.
asked AS (
    SELECT rates.*, probe.usable
    FROM absorption_rates(
        CASE WHEN coalesce($tau, $lead, $min_cosine) IS NULL THEN []::VARCHAR[] ELSE [$sae] END,
        $tau,
        $lead,
        $min_cosine
    ) AS rates
    JOIN run USING (probe_id)
    JOIN probe USING (probe_id, letter)
    UNION ALL
    SELECT * FROM of_run WHERE coalesce($tau, $lead, $min_cosine) IS NULL
)
SELECT
    coalesce($tau, run.tau) AS tau,
    coalesce($lead, run.lead) AS lead,
    coalesce($min_cosine, run.min_cosine) AS min_cosine,
    run.tau AS run_tau,
    run.lead AS run_lead,
    run.min_cosine AS run_min_cosine,
    run.model_accuracy,
    run.probe_f1,
    run.probe_f1_last,
    run.words,
    run.attribution,
    run.max_words,
    (SELECT rate FROM of_run WHERE letter = $letter) AS run_letter_rate,
    (SELECT rate FROM asked WHERE letter = $letter) AS letter_rate,
    (SELECT mean_fraction FROM of_run WHERE letter = $letter) AS run_letter_fraction,
    (SELECT mean_fraction FROM asked WHERE letter = $letter) AS letter_fraction,
    (SELECT avg(rate) FILTER (usable) FROM of_run) AS run_rate,
    (SELECT avg(rate) FILTER (usable) FROM asked) AS rate,
    (SELECT avg(mean_fraction) FILTER (usable) FROM of_run) AS run_fraction,
    (SELECT avg(mean_fraction) FILTER (usable) FROM asked) AS fraction
FROM run
