-- The mean F1 of an SAE over letters follows from the letters' latents; no column of sae has it a second time.

DROP VIEW sae_summary;
ALTER TABLE sae DROP COLUMN mean_letter_f1;

-- SAEs as people look for them. The mean F1 of the letters' best latents is over usable letters of the probes last used.
CREATE VIEW sae_summary AS
SELECT
    sae.sae_id,
    sae.name,
    model.name AS model,
    sae.hook_name,
    sae.architecture,
    sae.width,
    sae.k,
    sae.l0,
    sae.fvu,
    sae.ce_recovered,
    sae.dead_fraction,
    letters.mean_letter_f1,
    sae.absorption_rate,
    sae.linear_error_r2,
    sae.tokens_trained,
    sae.n_evaluated,
    sae.seed,
    sae.source,
    sae.path,
    sae.added,
    sae.model_id,
    sae.corpus_id
FROM sae
LEFT JOIN model USING (model_id)
LEFT JOIN (
    SELECT sae_id, avg(f1) AS mean_letter_f1
    FROM (
        SELECT best.sae_id, best.letter, max(best.f1) AS f1
        FROM letter_latent AS best
        SEMI JOIN last_letters USING (sae_id, probe_id)
        SEMI JOIN (FROM probe WHERE usable) AS probe USING (probe_id, letter)
        GROUP BY ALL
    )
    GROUP BY sae_id
) AS letters USING (sae_id);
