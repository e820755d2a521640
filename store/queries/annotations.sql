-- What has been marked or noted, the latest first? One row per SAE, letter, latent, word or token in its text.
-- about says in words what it is; shown_letter is the letter to look at it by: a latent's best, a word's own.
SELECT
    CASE annotation.subject
        WHEN 'sae' THEN 'SAE ' || coalesce(sae.name, annotation.key)
        WHEN 'letter' THEN 'letter ' || annotation.letter
        WHEN 'latent' THEN 'latent ' || annotation.latent || ' of ' || coalesce(sae.name, annotation.sae_id)
        WHEN 'token' THEN 'word “' || annotation.token || '”'
        ELSE 'token ' || annotation.position || ' of context ' || annotation.context
    END AS about,
    annotation.note,
    annotation.marked_at IS NOT NULL AS is_marked,
    coalesce(greatest(annotation.marked_at, annotation.noted_at), annotation.marked_at, annotation.noted_at) AS changed,
    sae.name AS sae,
    CASE annotation.subject
        WHEN 'letter' THEN annotation.letter
        WHEN 'latent' THEN best.letter
        WHEN 'token' THEN words.letter
    END AS shown_letter,
    annotation.subject,
    annotation.key,
    annotation.sae_id,
    annotation.letter,
    annotation.latent,
    annotation.token,
    annotation.corpus_id,
    annotation.context,
    annotation.position
FROM annotation
LEFT JOIN sae USING (sae_id)
LEFT JOIN (SELECT sae_id, latent, arg_max(letter, f1) AS letter FROM letter_latent GROUP BY ALL) AS best
    USING (sae_id, latent)
LEFT JOIN (SELECT surface, min(letter) AS letter FROM word GROUP BY ALL) AS words ON words.surface = annotation.token
ORDER BY changed DESC, annotation.subject, annotation.key
