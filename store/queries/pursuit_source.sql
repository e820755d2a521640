-- What does a pursuit in SAE $sae read: the model, the tokens of its newest error study (or else those it was evaluated on),
-- cut as they were then, and the study whose linear map splits the errors?
WITH study AS (
    SELECT study_id, corpus_id
    FROM error_study
    WHERE list_contains(sae_ids, $sae)
    ORDER BY created DESC
    LIMIT 1
)
SELECT
    coalesce(model.source, 'embedded') AS model,
    sae.hook_name,
    study.study_id,
    corpus.corpus_id,
    corpus.source AS corpus,
    corpus.context_length,
    -- A text that was cut short is cut at the same token again.
    CASE
        WHEN EXISTS (SELECT 1 FROM job WHERE TRY_CAST(job.spec ->> 'max_tokens' AS UBIGINT) = corpus.n_tokens)
        THEN corpus.n_tokens
    END AS max_tokens
FROM sae
LEFT JOIN model USING (model_id)
LEFT JOIN study ON true
LEFT JOIN corpus ON corpus.corpus_id = coalesce(study.corpus_id, sae.corpus_id)
WHERE sae.sae_id = $sae
