-- What the tables of models, SAEs, latents, letters, jobs and notes hold, as a SQL client shows it.

COMMENT ON TABLE model IS 'The language models that SAEs read.';
COMMENT ON COLUMN model.model_id IS 'Id of the model.';
COMMENT ON COLUMN model.name IS 'What a person calls it, e.g. "speller".';
COMMENT ON COLUMN model.source IS '"embedded", a folder, or a hub name.';
COMMENT ON COLUMN model.family IS 'The configuration''s model_type, e.g. "qwen2".';
COMMENT ON COLUMN model.n_layers IS 'Number of blocks.';
COMMENT ON COLUMN model.d_model IS 'Width of the residual stream.';
COMMENT ON COLUMN model.context_length IS 'Longest context that it takes, tokens.';
COMMENT ON COLUMN model.vocabulary_size IS 'Number of tokens in its vocabulary.';
COMMENT ON COLUMN model.added IS 'When it was put into the store, UTC.';

COMMENT ON TABLE vocabulary IS 'The tokens of each model.';
COMMENT ON COLUMN vocabulary.model_id IS 'Id of the language model, a row of model.';
COMMENT ON COLUMN vocabulary.token_id IS 'Number of the token in the model''s vocabulary.';
COMMENT ON COLUMN vocabulary.surface IS 'Readable text of the token, leading space kept.';
COMMENT ON COLUMN vocabulary.letter IS 'First letter, a to z, of a token that is a word; NULL for others.';
COMMENT ON COLUMN vocabulary.frequency IS 'Occurrences of the token in the corpus that was harvested.';

COMMENT ON TABLE corpus IS 'Token sets: texts cut into contexts of equal length.';
COMMENT ON COLUMN corpus.corpus_id IS 'Id of the token set.';
COMMENT ON COLUMN corpus.model_id IS 'Id of the language model, a row of model.';
COMMENT ON COLUMN corpus.name IS 'What a person calls it.';
COMMENT ON COLUMN corpus.source IS 'Where the text is from.';
COMMENT ON COLUMN corpus.context_length IS 'Tokens in a context, special tokens included.';
COMMENT ON COLUMN corpus.n_contexts IS 'Number of contexts.';
COMMENT ON COLUMN corpus.n_tokens IS 'Tokens counted in statistics: no special tokens, no padding.';
COMMENT ON COLUMN corpus.token_hash IS 'Hash of all tokens; two sets of the same hash are the same.';
COMMENT ON COLUMN corpus.added IS 'When it was put into the store, UTC.';

COMMENT ON TABLE token_context IS 'What the contexts of a token set read, a row for each context.';
COMMENT ON COLUMN token_context.corpus_id IS 'Id of the token set, a row of corpus.';
COMMENT ON COLUMN token_context.context IS 'Number of the text in the token set, from 0.';
COMMENT ON COLUMN token_context.token_ids IS 'Token at each position from 0; NULL where there is none.';

COMMENT ON TABLE sae IS 'The SAEs, one row for each. What is measured later is NULL until then.';
COMMENT ON COLUMN sae.sae_id IS 'Id of the SAE.';
COMMENT ON COLUMN sae.model_id IS 'Id of the language model, a row of model.';
COMMENT ON COLUMN sae.hook_name IS 'Hook point of the model that the SAE reads, e.g. "blocks.2.hook_resid_post".';
COMMENT ON COLUMN sae.name IS 'Short name, unique in a store, e.g. "w2048-k4".';
COMMENT ON COLUMN sae.architecture IS 'How the SAE decides which latents fire, e.g. "topk".';
COMMENT ON COLUMN sae.d_in IS 'Width of the activations that it reads.';
COMMENT ON COLUMN sae.width IS 'Number of latents of the SAE.';
COMMENT ON COLUMN sae.k IS 'Latents kept on each token, where the architecture has such a number.';
COMMENT ON COLUMN sae.l0 IS 'Mean number of latents that fire on a token; a latent fires when its activation is above 1e-8.';
COMMENT ON COLUMN sae.fvu IS 'Fraction of variance unexplained: summed squared error over summed squared distance of the activations from their mean.';
COMMENT ON COLUMN sae.ce_recovered IS 'Share of the model''s loss that the reconstruction gives back: 1 no damage, 0 as bad as zeros.';
COMMENT ON COLUMN sae.dead_fraction IS 'Share of latents that never fired on the evaluated tokens.';
COMMENT ON COLUMN sae.absorption_rate IS 'Share of a letter''s words that other latents took over, mean over usable letters, at the run''s thresholds.';
COMMENT ON COLUMN sae.linear_error_r2 IS 'How well a linear map of the activation predicts the error, held-out tokens, all dimensions together.';
COMMENT ON COLUMN sae.tokens_trained IS 'Tokens seen in training, repeats counted.';
COMMENT ON COLUMN sae.corpus_id IS 'The token set on which l0, fvu and dead_fraction were measured.';
COMMENT ON COLUMN sae.n_evaluated IS 'Number of tokens on which l0, fvu and dead_fraction were measured.';
COMMENT ON COLUMN sae.seed IS 'Seed of its training.';
COMMENT ON COLUMN sae.source IS '"trained here", or where it was imported from.';
COMMENT ON COLUMN sae.path IS 'Its folder, relative to the store.';
COMMENT ON COLUMN sae.added IS 'When it was put into the store, UTC.';
COMMENT ON COLUMN sae.recipe IS 'How it was trained, as JSON; NULL where that is not known, as of imported SAEs.';

COMMENT ON TABLE latent IS 'The latents of each SAE, with what they do on the evaluated tokens.';
COMMENT ON COLUMN latent.sae_id IS 'Id of the SAE, a row of sae.';
COMMENT ON COLUMN latent.latent IS 'Number of the latent: its column of the encoder, its row of the decoder; from 0.';
COMMENT ON COLUMN latent.n_fires IS 'Evaluated tokens on which the latent fires: activation above 1e-8.';
COMMENT ON COLUMN latent.density IS 'Share of the evaluated tokens on which it fires.';
COMMENT ON COLUMN latent.max_activation IS 'Largest activation seen, model units.';
COMMENT ON COLUMN latent.mean_activation IS 'Mean activation over the tokens on which it fires, model units.';
COMMENT ON COLUMN latent.decoder_norm IS 'Length of its decoder row, model units.';
COMMENT ON COLUMN latent.encoder_decoder_cosine IS 'Cosine of its encoder and decoder directions.';
COMMENT ON COLUMN latent.top_token IS 'First of top_tokens.';
COMMENT ON COLUMN latent.promoted IS 'First of promotes.';
COMMENT ON COLUMN latent.histogram IS 'Number of activations in equal bins from 0 to max_activation.';
COMMENT ON COLUMN latent.promotes IS 'Tokens whose logits its decoder direction raises most (logit lens).';
COMMENT ON COLUMN latent.promotes_logit IS 'By how much it raises them, logits; in the order of promotes.';
COMMENT ON COLUMN latent.suppresses IS 'Tokens whose logits its decoder direction lowers most (logit lens).';
COMMENT ON COLUMN latent.suppresses_logit IS 'By how much it lowers them, logits; in the order of suppresses.';
COMMENT ON COLUMN latent.top_tokens IS 'Tokens with the largest share of its activation.';
COMMENT ON COLUMN latent.top_token_share IS 'Their shares of the sum of its activation; in the order of top_tokens.';

COMMENT ON TABLE latent_neighbour IS 'For each latent those with the nearest decoder directions, in the same SAE and others.';
COMMENT ON COLUMN latent_neighbour.sae_id IS 'Id of the SAE, a row of sae.';
COMMENT ON COLUMN latent_neighbour.latent IS 'Number of the latent: its column of the encoder, its row of the decoder; from 0.';
COMMENT ON COLUMN latent_neighbour.other_sae_id IS 'SAE of the other latent: the same, or another at the same hook point.';
COMMENT ON COLUMN latent_neighbour.rank IS '1 for the nearest of other_sae_id.';
COMMENT ON COLUMN latent_neighbour.other_latent IS 'Number of the other latent.';
COMMENT ON COLUMN latent_neighbour.cosine IS 'Cosine of the decoder directions.';

COMMENT ON TABLE activation_set IS 'Runs of latent activations: one SAE on one token set.';
COMMENT ON COLUMN activation_set.activation_set IS 'Number of the run.';
COMMENT ON COLUMN activation_set.sae_id IS 'Id of the SAE, a row of sae.';
COMMENT ON COLUMN activation_set.corpus_id IS 'Id of the token set, a row of corpus.';
COMMENT ON COLUMN activation_set.stride IS 'A place is numbered context * stride + position.';

COMMENT ON TABLE activation_by_latent IS 'Latent activations by latent, strongest first within every commit; latent_activation has them with ids.';
COMMENT ON COLUMN activation_by_latent.activation_set IS 'Number of the run, a row of activation_set.';
COMMENT ON COLUMN activation_by_latent.latent IS 'Number of the latent: its column of the encoder, its row of the decoder; from 0.';
COMMENT ON COLUMN activation_by_latent.activation IS 'How strongly the latent fires, model units.';
COMMENT ON COLUMN activation_by_latent.place IS 'Where in the token set: context * stride + position.';

COMMENT ON TABLE activation_by_token IS 'Which latents fire on a token; token_latent has them with ids.';
COMMENT ON COLUMN activation_by_token.activation_set IS 'Number of the run, a row of activation_set.';
COMMENT ON COLUMN activation_by_token.place IS 'Where in the token set: context * stride + position.';
COMMENT ON COLUMN activation_by_token.latents IS 'Numbers of the latents that fire, ascending.';

COMMENT ON TABLE probe IS 'Linear probes that tell the first letter of a word, one row for each letter.';
COMMENT ON COLUMN probe.probe_id IS 'Id of a set of probes, one for each of the 26 letters of a hook point: rows of probe.';
COMMENT ON COLUMN probe.model_id IS 'Id of the language model, a row of model.';
COMMENT ON COLUMN probe.hook_name IS 'Hook point of the model that the SAE reads, e.g. "blocks.2.hook_resid_post".';
COMMENT ON COLUMN probe.letter IS 'First letter of a word, a to z, capital or not.';
COMMENT ON COLUMN probe.n_train IS 'Words of the letter that the probe was trained on.';
COMMENT ON COLUMN probe.n_test IS 'Words of the letter that were held out.';
COMMENT ON COLUMN probe.usable IS 'The probe is good enough to judge latents by: enough words, and F1 above 0.6 on held-out words.';
COMMENT ON COLUMN probe.precision IS 'Of the held-out words that the probe says yes to, the share that has the letter.';
COMMENT ON COLUMN probe.recall IS 'Of the held-out words that have the letter, the share that the probe says yes to.';
COMMENT ON COLUMN probe.f1 IS 'Harmonic mean of precision and recall, held-out words.';
COMMENT ON COLUMN probe.auroc IS 'Chance that a word with the letter is above one without; 0.5 is guessing.';
COMMENT ON COLUMN probe.bias IS 'Bias of the probe, for its direction of length 1.';
COMMENT ON COLUMN probe.direction IS 'Direction of the probe, length 1.';
COMMENT ON COLUMN probe.seed IS 'Seed of the split of the words.';
COMMENT ON COLUMN probe.model_accuracy IS 'Share of the letter''s words whose first letter the model itself names.';
COMMENT ON COLUMN probe.created IS 'When it was last used on an SAE, UTC; NULL where that was before this was kept.';

COMMENT ON TABLE word IS 'The words of the first-letter task, a row for each word and set of probes.';
COMMENT ON COLUMN word.probe_id IS 'Id of a set of probes, one for each of the 26 letters of a hook point: rows of probe.';
COMMENT ON COLUMN word.token_id IS 'Number of the token in the model''s vocabulary.';
COMMENT ON COLUMN word.surface IS 'The word as a token, leading space kept.';
COMMENT ON COLUMN word.letter IS 'First letter of a word, a to z, capital or not.';
COMMENT ON COLUMN word.split IS '"train" or "test".';
COMMENT ON COLUMN word.probe_logit IS 'Logit of its own letter''s probe; above 0 the probe says yes.';
COMMENT ON COLUMN word.answer_margin IS 'The model''s logit of the right letter minus the mean of the 25 others, logits.';
COMMENT ON COLUMN word.answered IS 'The model''s own answer is right.';

COMMENT ON TABLE word_activation IS 'Latents that fire at the word position of a word''s prompt.';
COMMENT ON COLUMN word_activation.sae_id IS 'Id of the SAE, a row of sae.';
COMMENT ON COLUMN word_activation.probe_id IS 'Id of a set of probes, one for each of the 26 letters of a hook point: rows of probe.';
COMMENT ON COLUMN word_activation.token_id IS 'Number of the token in the model''s vocabulary.';
COMMENT ON COLUMN word_activation.latent IS 'Number of the latent: its column of the encoder, its row of the decoder; from 0.';
COMMENT ON COLUMN word_activation.activation IS 'How strongly the latent fires, model units.';

COMMENT ON TABLE letter_latent IS 'The latents that tell each letter best, on all words of the first-letter task.';
COMMENT ON COLUMN letter_latent.sae_id IS 'Id of the SAE, a row of sae.';
COMMENT ON COLUMN letter_latent.probe_id IS 'Id of a set of probes, one for each of the 26 letters of a hook point: rows of probe.';
COMMENT ON COLUMN letter_latent.letter IS 'First letter of a word, a to z, capital or not.';
COMMENT ON COLUMN letter_latent.rank IS '1 for the highest F1 of the listed latents.';
COMMENT ON COLUMN letter_latent.latent IS 'Number of the latent: its column of the encoder, its row of the decoder; from 0.';
COMMENT ON COLUMN letter_latent.precision IS 'Of the words on which the latent fires, the share that has the letter.';
COMMENT ON COLUMN letter_latent.recall IS 'Of the words that have the letter, the share on which the latent fires.';
COMMENT ON COLUMN letter_latent.f1 IS 'Harmonic mean of precision and recall.';
COMMENT ON COLUMN letter_latent.auroc IS 'Chance that the latent''s pre-activation is higher on a word with the letter than on one without.';
COMMENT ON COLUMN letter_latent.cos_encoder IS 'Cosine of the encoder column with the probe direction.';
COMMENT ON COLUMN letter_latent.cos_decoder IS 'Cosine of the decoder row with the probe direction.';
COMMENT ON COLUMN letter_latent.by_encoder IS 'The latent that the paper picks: highest cosine of the encoder with the probe.';
COMMENT ON COLUMN letter_latent.is_main IS 'A main latent by the k-sparse rule, at the run''s threshold; NULL where the rule was not run.';
COMMENT ON COLUMN letter_latent.f1_gain IS 'F1 that the latent adds to those before it in the k-sparse ranking; NULL where it is not in it.';

COMMENT ON TABLE token_error IS 'Error of an SAE on each token; error studies have theirs in error_token.';
COMMENT ON COLUMN token_error.sae_id IS 'Id of the SAE, a row of sae.';
COMMENT ON COLUMN token_error.corpus_id IS 'Id of the token set, a row of corpus.';
COMMENT ON COLUMN token_error.context IS 'Number of the text in the token set, from 0.';
COMMENT ON COLUMN token_error.position IS 'Place of the token in its context, from 0; special tokens count.';
COMMENT ON COLUMN token_error.error_norm IS 'Length of the error, model units.';
COMMENT ON COLUMN token_error.activation_norm IS 'Length of the activation, model units.';
COMMENT ON COLUMN token_error.l0 IS 'Latents that fire on this token.';

COMMENT ON TABLE job IS 'Jobs that have ended.';
COMMENT ON COLUMN job.job_id IS 'Id of the job; its folder in jobs/ has this name.';
COMMENT ON COLUMN job.kind IS 'What it does, e.g. "train" or "letters".';
COMMENT ON COLUMN job.title IS 'What it does, in words.';
COMMENT ON COLUMN job.state IS '"done", "failed" or "cancelled".';
COMMENT ON COLUMN job.device IS 'Device that it ran on.';
COMMENT ON COLUMN job.spec IS 'What was asked for, as its kind reads it.';
COMMENT ON COLUMN job.content_hash IS 'Hash of the spec; jobs of the same hash do the same work.';
COMMENT ON COLUMN job.created IS 'When it was asked for, UTC.';
COMMENT ON COLUMN job.started IS 'When it began, UTC.';
COMMENT ON COLUMN job.ended IS 'When it ended, UTC.';
COMMENT ON COLUMN job.message IS 'Why it failed, and what to do.';

COMMENT ON TABLE note IS 'Notes that people wrote.';
COMMENT ON COLUMN note.note_id IS 'Id of the note.';
COMMENT ON COLUMN note.subject IS 'What it is about: "sae", "letter", "latent" or "token".';
COMMENT ON COLUMN note.sae_id IS 'SAE that it is about; NULL where it is about none.';
COMMENT ON COLUMN note.letter IS 'Letter that it is about; NULL where it is about none.';
COMMENT ON COLUMN note.latent IS 'Latent that it is about; NULL where it is about none.';
COMMENT ON COLUMN note.token IS 'Word that it is about, as a token''s text; NULL where it is about none.';
COMMENT ON COLUMN note.text IS 'The note.';
COMMENT ON COLUMN note.created IS 'When it was written, UTC.';
COMMENT ON COLUMN note.changed IS 'When it was last changed, UTC.';

COMMENT ON TABLE mark IS 'What people have marked.';
COMMENT ON COLUMN mark.subject IS 'What is marked: "sae", "letter", "latent" or "token".';
COMMENT ON COLUMN mark.key IS 'Which one, e.g. "<sae_id>/412" for a latent.';
COMMENT ON COLUMN mark.created IS 'When it was marked, UTC.';

COMMENT ON TABLE session IS 'Recorded sessions of the interface.';
COMMENT ON COLUMN session.session_id IS 'Id of the session.';
COMMENT ON COLUMN session.name IS 'What a person calls it.';
COMMENT ON COLUMN session.started IS 'When it began, UTC.';
COMMENT ON COLUMN session.ended IS 'When it ended, UTC; NULL while it runs.';
COMMENT ON COLUMN session.n_commands IS 'Commands that were recorded.';
COMMENT ON COLUMN session.parent IS 'Session that this one went on from.';
COMMENT ON COLUMN session.path IS 'File of the session.';

COMMENT ON TABLE commit_log IS 'What jobs have written into the store, a row for each result; written with its rows or not at all.';
COMMENT ON COLUMN commit_log.manifest IS 'Name of the result.';
COMMENT ON COLUMN commit_log.job_id IS 'Job that wrote it.';
COMMENT ON COLUMN commit_log.committed IS 'When it came into the store, UTC.';
COMMENT ON COLUMN commit_log.n_rows IS 'Rows that came with it.';

COMMENT ON TABLE written_scope IS 'Which attempt of a job wrote a group of rows, e.g. the latents of one SAE; a later attempt replaces the group.';
COMMENT ON COLUMN written_scope.table_name IS 'Table of the rows.';
COMMENT ON COLUMN written_scope.scope IS 'What the rows of the group have in common.';
COMMENT ON COLUMN written_scope.attempt IS 'Attempt that wrote them.';

COMMENT ON TABLE store_state IS 'One row: how far the schema and the commits have come.';
COMMENT ON COLUMN store_state.schema_version IS 'Number of the last schema file that was run.';
COMMENT ON COLUMN store_state.revision IS 'Number of the last commit.';
