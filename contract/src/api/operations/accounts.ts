import type { Operation } from '../operation.ts';
import * as schemas from '../schemas.ts';
import { registeredLinks, sessionLinks, sessionListLinks } from './links.ts';
import { deviceToken, idInPath, ids } from './parameters.ts';

const email = 'you@example.com';
const session = { accessToken: 'eyJhbGciOiJIUzI1NiIs…', refreshToken: 'b3BhcXVl…', expiresIn: 900 };

export const accountOperations: Operation[] = [
  {
    id: 'register',
    method: 'post',
    path: '/api/users',
    tag: 'Accounts',
    summary: 'Register',
    auth: 'anybody',
    body: {
      schema: schemas.registration,
      required: true,
      examples: { shopper: { email, password: 'correct-horse', name: 'You' } },
    },
    answers: {
      201: {
        description: 'Registered. Log in next.',
        body: schemas.registeredUser,
        examples: { shopper: { id: ids.user, email } },
        links: registeredLinks,
      },
    },
    problems: ['email-taken', 'password-too-common', 'too-many-requests'],
  },
  {
    id: 'logIn',
    method: 'post',
    path: '/api/sessions',
    tag: 'Accounts',
    summary: 'Log in',
    description:
      'Send the `accessToken` as `Authorization: Bearer …` with every request that needs one. It is valid for ' +
      '`expiresIn` seconds; before that, get the next one with the `refreshToken`. Keep the `deviceToken` for the next ' +
      'log-in, also after a log-out: wrong passwords that others try do not slow down a device that is known.\n\n' +
      'When many log in at once, `503 overloaded` comes at once, and `Retry-After` is the time at which there is a place for ' +
      'this log-in: come then, and not before. Refreshing is not held up by that.',
    auth: 'anybody',
    parameters: [deviceToken],
    body: {
      schema: schemas.credentials,
      required: true,
      examples: {
        'demo shopper': { email: 'shopper1@example.com', password: 'flash-sale-demo' },
        'demo admin': { email: 'admin@example.com', password: 'flash-sale-demo' },
      },
    },
    answers: {
      201: {
        description: 'Logged in.',
        body: schemas.session,
        examples: { session: { ...session, deviceToken: 'aGVsbG8…' } },
        links: sessionLinks,
      },
    },
    problems: ['wrong-credentials', 'too-many-requests'],
  },
  {
    id: 'refresh',
    method: 'post',
    path: '/api/sessions/refresh',
    tag: 'Accounts',
    summary: 'Get new tokens for a refresh token',
    description:
      'The refresh token is used up by this. If one is used a second time, somebody else has it: then all tokens that ' +
      'descend from the same log-in stop working.',
    auth: 'anybody',
    body: {
      schema: schemas.refresh,
      required: true,
      examples: { session: { refreshToken: session.refreshToken } },
    },
    answers: {
      201: {
        description: 'The next pair of tokens.',
        body: schemas.session,
        examples: { session },
        links: sessionLinks,
      },
    },
    problems: ['refresh-token-invalid'],
  },
  {
    id: 'currentUser',
    method: 'get',
    path: '/api/users/me',
    tag: 'Accounts',
    summary: 'Read your own account',
    auth: 'user',
    answers: {
      200: {
        description: 'Your account.',
        body: schemas.currentUser,
        examples: { shopper: { id: ids.user, email, name: 'You', role: 'shopper' } },
      },
    },
    problems: [],
  },
  {
    id: 'sessions',
    method: 'get',
    path: '/api/sessions',
    tag: 'Accounts',
    summary: 'See where you are logged in',
    description: 'The newest first, at most 100.',
    auth: 'user',
    answers: {
      200: {
        description: 'Your sessions.',
        body: schemas.sessionList,
        links: sessionListLinks,
        examples: {
          one: {
            items: [
              {
                id: ids.session,
                current: true,
                createdAt: '2030-01-01T10:00:00.000Z',
                refreshedAt: null,
                expiresAt: '2030-01-31T10:00:00.000Z',
                userAgent: 'Mozilla/5.0 …',
              },
            ],
          },
        },
      },
    },
    problems: [],
  },
  {
    id: 'logOut',
    method: 'delete',
    path: '/api/sessions/current',
    tag: 'Accounts',
    summary: 'Log out',
    description: 'Its refresh token stops working at once, its access token within 3 seconds.',
    auth: 'user',
    answers: { 204: { description: 'Logged out.' } },
    problems: [],
  },
  {
    id: 'endSession',
    method: 'delete',
    path: '/api/sessions/{id}',
    tag: 'Accounts',
    summary: 'End a session elsewhere',
    auth: 'user',
    parameters: [idInPath('session')],
    answers: { 204: { description: 'Ended, as by logging out there.' } },
    problems: ['not-found'],
  },
  {
    id: 'changePassword',
    method: 'put',
    path: '/api/users/me/password',
    tag: 'Accounts',
    summary: 'Change your password',
    description: 'Ends all other sessions. This one goes on.',
    auth: 'user',
    body: {
      schema: schemas.passwordChange,
      required: true,
      examples: { change: { currentPassword: 'correct-horse', newPassword: 'battery-staple' } },
    },
    answers: {
      200: {
        description: 'Changed.',
        body: schemas.passwordChanged,
        examples: { changed: { deviceToken: 'aGVsbG8…' } },
      },
    },
    problems: ['wrong-credentials', 'password-too-common', 'too-many-requests'],
  },
  {
    id: 'deleteAccount',
    method: 'delete',
    path: '/api/users/me',
    tag: 'Accounts',
    summary: 'Delete your account',
    description:
      'Email, name and sessions are gone for good. Orders and payments stay, as books have to, under an id that belongs ' +
      'to nobody. The email may be registered again, as a new account.',
    auth: 'user',
    body: { schema: schemas.deletion, required: true, examples: { deletion: { password: 'correct-horse' } } },
    answers: { 204: { description: 'Deleted.' } },
    problems: ['wrong-credentials', 'too-many-requests'],
  },
];
