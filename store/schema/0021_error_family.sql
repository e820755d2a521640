-- How the SAEs were trained that an error study compares across widths, so that a law over widths can say so.

-- A list of sae_id, name, width and recipe; of a study that does not say which those are, all of its SAEs.
CREATE MACRO error_family(family, sae_ids) AS (
    SELECT list({'sae_id': sae.sae_id, 'name': sae.name, 'width': sae.width, 'recipe': sae.recipe} ORDER BY sae.width, sae.sae_id)
    FROM sae
    WHERE list_contains(coalesce(family, sae_ids), sae.sae_id)
);
