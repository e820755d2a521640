-- What has been noted down, latest first?
SELECT
    note.note_id,
    note.subject,
    CASE note.subject
        WHEN 'sae' THEN coalesce(sae.name, note.sae_id)
        WHEN 'letter' THEN note.letter
        WHEN 'latent' THEN coalesce(sae.name, note.sae_id) || '/' || note.latent
        ELSE note.token
    END AS about,
    note.text,
    note.created,
    note.changed,
    note.sae_id,
    note.letter,
    note.latent,
    note.token
FROM note LEFT JOIN sae USING (sae_id)
ORDER BY note.changed DESC
LIMIT $limit OFFSET $offset
