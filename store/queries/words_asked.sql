-- Which job asked about the words of the probes that are shown of SAE $sae: those of its last absorption run or, without
-- one, of its last letters? Its spec is NULL until the job has ended.
WITH shown AS (
    SELECT 'absorption_run' AS table_name, sae_id, probe_id, 1 AS choice FROM last_absorption WHERE sae_id = $sae
    UNION ALL
    SELECT 'letter_latent', sae_id, probe_id, 2 FROM last_letters WHERE sae_id = $sae
)
SELECT written.job_id, job.spec
FROM shown
JOIN written_scope AS scope
    ON scope.table_name = shown.table_name
    AND scope.scope = 'sae_id=' || shown.sae_id || '/probe_id=' || shown.probe_id
JOIN commit_log AS written ON starts_with(written.manifest, scope.attempt || '-')
LEFT JOIN job USING (job_id)
ORDER BY shown.choice, written.manifest
LIMIT 1
