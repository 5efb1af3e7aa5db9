-- The one row of simulator_state is always there: whoever changes the world or the rehearsal locks
-- and counts on it (simulator.state).

INSERT INTO simulator_state (id, generation, run, scenario) VALUES (1, 1, 1, '')
ON CONFLICT (id) DO NOTHING;
