# What strangers can give to the skills that come with Nexflow.
nf_fuzz(skill_calc nf_skills_bundled_calc nf_test_skill_host nf_test_support)
nf_fuzz(skill_clock nf_skills_bundled_clock nf_test_skill_host nf_test_support)
nf_fuzz(skill_text nf_skills_bundled_text nf_test_skill_host nf_test_support)
