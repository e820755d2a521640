-- Which words of letter $letter were judged in the absorption study of SAE $sae, and on which of them are the letter's main
-- latents silent? At the thresholds of the study, or with another $tau.
SELECT word.surface, scores.is_silent AS is_missed
FROM absorption_scores([$sae], $tau) AS scores
JOIN word USING (probe_id, token_id)
WHERE scores.letter = $letter
    AND scores.probe_id = (SELECT probe_id FROM last_absorption WHERE sae_id = $sae)
ORDER BY scores.main_activation, word.surface
