-- How much of each letter is absorbed in SAE $sae: words that its probe gets right, those on which its main latents are
-- silent, and those that another latent took over?
-- $tau, $lead, $min_cosine: thresholds; NULL = those of the run. $probe: the set of probes; NULL = the one last studied.
WITH chosen AS (
    SELECT probe_id, tau, model_accuracy
    FROM absorption_run
    WHERE sae_id = $sae
        AND probe_id = coalesce($probe, (SELECT probe_id FROM last_absorption WHERE sae_id = $sae))
),
main AS (
    SELECT ranked.probe_id, ranked.letter, list(ranked.latent ORDER BY ranked.k) AS main_latents
    FROM sparse_probe AS ranked
    JOIN main_latent_counts([$sae], $tau) AS counts USING (sae_id, probe_id, letter)
    WHERE ranked.k <= counts.n_main
    GROUP BY ALL
)
SELECT
    probe.letter,
    rates.rate,
    rates.mean_fraction,
    rates.full_rate,
    coalesce(rates.n_probe, 0) AS n_probe,
    coalesce(rates.n_candidates, 0) AS n_candidates,
    coalesce(rates.n_sampled, 0) AS n_sampled,
    coalesce(rates.n_absorbed, 0) AS n_absorbed,
    coalesce(rates.n_full, 0) AS n_full,
    len(main.main_latents) AS n_main,
    main.main_latents,
    probe.usable,
    probe.f1 AS probe_f1,
    probe.model_accuracy,
    chosen.model_accuracy >= least_accuracy() AS is_able,
    probe.probe_id,
    probe.n_train + probe.n_test AS n_words
FROM probe
JOIN chosen USING (probe_id)
LEFT JOIN absorption_rates([$sae], $tau, $lead, $min_cosine) AS rates USING (probe_id, letter)
LEFT JOIN main USING (probe_id, letter)
ORDER BY probe.letter
