-- Which error studies are there, of how many tokens and which SAEs, newest first?
SELECT
    study.study_id,
    model.name AS model,
    study.hook_name,
    study.widths,
    list_transform(study.sae_ids, lambda id: coalesce(names[id], id)) AS saes,
    study.sae_ids,
    study.n_tokens,
    study.n_train,
    study.n_test,
    study.n_excluded,
    study.n_train / nullif(study.d_in, 0) AS tokens_per_dimension,
    study.rank,
    study.d_in,
    study.variance,
    study.clean_loss,
    study.first_position,
    study.intercept,
    study.notes,
    corpus.name AS corpus,
    study.corpus_id,
    study.model_id,
    study.created
FROM error_study AS study
LEFT JOIN model USING (model_id)
LEFT JOIN corpus USING (corpus_id)
CROSS JOIN (SELECT coalesce(map_from_entries(list((sae_id, name))), MAP {}) AS names FROM sae)
ORDER BY study.created DESC, study.study_id
