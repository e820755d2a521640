-- Which SAEs have been studied for absorption, and how much of the letters is absorbed in each by both metrics? One
-- row per SAE: its last run.
SELECT
    sae.sae_id,
    sae.name,
    sae.hook_name,
    sae.width,
    sae.l0,
    run.rate,
    run.mean_fraction,
    run.full_rate,
    run.mean_main,
    coalesce(counts.n_probe, 0) AS n_probe,
    coalesce(counts.n_absorbed, 0) AS n_absorbed,
    run.model_accuracy,
    run.model_accuracy >= least_accuracy() AS is_able,
    run.probe_f1,
    run.probe_f1_last,
    CASE
        WHEN run.model_accuracy < least_accuracy() THEN printf(
            'The model names the first letter of %.0f%% of the words, so effects on its answer say nothing; '
            || 'the projection metric needs no answer.',
            100 * run.model_accuracy
        )
        WHEN run.probe_f1_last > moved_f1() THEN printf(
            'At %s the letter has moved to the end of the prompt (probe F1 there %.2f, at the word %.2f); '
            || 'study an earlier layer.',
            sae.hook_name, run.probe_f1_last, run.probe_f1
        )
    END AS warning,
    run.words,
    run.attribution,
    run.ig_path,
    run.ig_rule,
    run.ig_steps,
    run.max_words,
    run.tau,
    run.lead,
    run.min_cosine,
    run.seed,
    run.probe_id
FROM last_absorption AS run
JOIN sae USING (sae_id)
LEFT JOIN (
    SELECT sae_id, probe_id, sum(n_probe)::BIGINT AS n_probe, sum(n_absorbed)::BIGINT AS n_absorbed
    FROM absorption_rates((SELECT list(DISTINCT sae_id) FROM absorption_run), NULL, NULL, NULL)
    GROUP BY ALL
) AS counts USING (sae_id, probe_id)
ORDER BY sae.hook_name, sae.width, sae.l0, sae.name
